package datasets

import (
	"os"
	"path/filepath"
)

// CacheDir returns the folder whose sub-folders hold the downloaded data sets, each called as the data
// set is: gorgonia-zoo/datasets in the user's cache folder. It need not exist.
func CacheDir() (string, error) {
	user, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(user, "gorgonia-zoo", "datasets"), nil
}

// Folder returns where the files are that [Open] reads when it is given no folder: what was downloaded
// (see [CacheDir]) comes before what a system's package installed. It is empty if there are none.
func (d Dataset) Folder() string {
	for _, dir := range d.folders() {
		if st, err := os.Stat(dir); err == nil && st.IsDir() {
			return dir
		}
	}
	return ""
}

// folders are the places where the files may be.
func (d Dataset) folders() []string {
	var dirs []string
	if d.Embedded {
		return nil
	}
	if cache, err := CacheDir(); err == nil && filepath.IsLocal(d.Name) {
		dirs = append(dirs, filepath.Join(cache, d.Name))
	}
	if d.Dir != "" {
		dirs = append(dirs, d.Dir)
	}
	return dirs
}

// places says where the files were looked for.
func (d Dataset) places() string {
	text := ""
	for i, dir := range d.folders() {
		if i > 0 {
			text += " or "
		}
		text += "in " + dir
	}
	if text == "" {
		return "in a place that is known"
	}
	return text
}
