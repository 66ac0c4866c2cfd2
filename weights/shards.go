package weights

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
)

// indexEnding is how the index of a network in several files is called, as
// Hugging Face's libraries write it: model.safetensors.index.json and, of
// PyTorch's files, pytorch_model.bin.index.json.
const indexEnding = ".index.json"

// maxIndex bounds an index, in bytes.
const maxIndex = 32 << 20

// openShards opens the files that an index names, which lie beside it, as one.
func openShards(path string, index io.Reader, size int64) (*Reader, error) {
	if size > maxIndex {
		return nil, fmt.Errorf("an index of %d bytes: %d are the most that is read", size, maxIndex)
	}
	text, err := io.ReadAll(io.LimitReader(index, maxIndex))
	if err != nil {
		return nil, err
	}
	var list struct {
		Files map[string]string `json:"weight_map"`
	}
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, fmt.Errorf("no index of weights: %w", err)
	}
	if len(list.Files) == 0 {
		return nil, fmt.Errorf("no index of weights: it has no weight_map")
	}
	var names []string
	for _, file := range list.Files {
		if filepath.Base(file) != file || !filepath.IsLocal(file) {
			return nil, fmt.Errorf("names the file %s: should be one beside the index", quote(file))
		}
		if !slices.Contains(names, file) {
			names = append(names, file)
		}
	}
	slices.Sort(names)
	all := &Reader{name: path}
	var s state
	for _, name := range names {
		r, err := openShard(filepath.Join(filepath.Dir(path), name))
		if os.IsNotExist(err) {
			err = fmt.Errorf("%s is missing: download it too", quote(name))
		}
		if err != nil {
			all.Close()
			return nil, err
		}
		all.files = append(all.files, r.files...)
		all.format = fmt.Sprintf("%s in %d files", r.format, len(names))
		for _, e := range r.entries {
			if list.Files[e.name] != name {
				all.Close()
				return nil, fmt.Errorf("%s has the tensor %s, which the index has not there", quote(name), quote(e.name))
			}
			s.entries = append(s.entries, e)
		}
	}
	if len(s.entries) != len(list.Files) {
		missing := ""
		all.take(s)
		for name := range list.Files {
			if _, there := all.index[name]; !there && (missing == "" || name < missing) {
				missing = name
			}
		}
		all.Close()
		return nil, fmt.Errorf("tensor %s is not in %s, where the index has it", quote(missing), quote(list.Files[missing]))
	}
	all.states = []state{s}
	all.choose()
	return all, nil
}

// openShard opens one of the files, which is no index again.
func openShard(path string) (*Reader, error) {
	f, size, err := openFile(path)
	if err != nil {
		return nil, err
	}
	r, err := NewReader(path, f, size)
	if err == nil && r.unclear != nil {
		err = fmt.Errorf("%s: %w", path, r.unclear)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	r.files = []*os.File{f}
	return r, nil
}
