package codec

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// others are formats that are not read, by what stands at a place of their files.
var others = []struct {
	at   int
	text string
	name string
}{
	{0, "\x00\x00\x00\x0cJXL \r\n", "JPEG XL"},
	{0, "\xff\x0a", "JPEG XL"},
	{0, "\x00\x00\x00\x0cjP  \r\n", "JPEG 2000"},
	{0, "\xff\x4f\xff\x51", "JPEG 2000"},
	{4, "ftypavif", "AVIF"},
	{4, "ftypavis", "AVIF"},
	{4, "ftyphei", "HEIC"},
	{4, "ftyphev", "HEIC"},
	{4, "ftypmif1", "HEIF"},
	{4, "ftypmsf1", "HEIF"},
	{4, "ftypcrx", "Canon raw"},
	{4, "ftyp", "MP4 film"},
	{0, "8BPS", "Photoshop"},
	{0, "\x00\x00\x01\x00", "Windows icon"},
	{0, "\x76\x2f\x31\x01", "OpenEXR"},
	{0, "DDS ", "DirectDraw surface"},
	{0, "qoif", "QOI"},
	{0, "%PDF", "PDF"},
	{0, "%!PS", "PostScript"},
	{0, "II\xbc", "JPEG XR"},
	{0, "II+\x00", "BigTIFF"},
	{0, "MM\x00+", "BigTIFF"},
	{0, "P1", "PBM"}, {0, "P4", "PBM"},
	{0, "P2", "PGM"}, {0, "P5", "PGM"},
	{0, "P3", "PPM"}, {0, "P6", "PPM"},
	{0, "\x1f\x8b", "gzip archive"},
	{0, "PK\x03\x04", "ZIP archive"},
	{0, "version https://git-lfs", "Git LFS pointer (git lfs pull gets the file)"},
}

// unknown is the error for a file that is of no format that is read: it names what it is, if that can be told.
func unknown(file []byte) error {
	if len(file) == 0 {
		return errors.New("an empty file")
	}
	var names []string
	for _, f := range formats {
		names = append(names, f.name)
	}
	read := "should be " + strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1]
	for _, o := range others {
		if len(file) >= o.at && bytes.HasPrefix(file[o.at:], []byte(o.text)) {
			return fmt.Errorf("a file of the format %s, which is not read: %s", o.name, read)
		}
	}
	head := strings.ToLower(strings.TrimSpace(string(bytes.TrimPrefix(file[:min(len(file), 256)], []byte("\ufeff")))))
	switch {
	case strings.HasPrefix(head, "<!doctype html") || strings.HasPrefix(head, "<html"):
		return fmt.Errorf("a web page instead of an image: %s", read)
	case strings.HasPrefix(head, "<svg") || strings.HasPrefix(head, "<?xml") && strings.Contains(string(file[:min(len(file), 4096)]), "<svg"):
		return fmt.Errorf("a file of the format SVG, which is not read: %s", read)
	case len(bytes.Trim(file[:min(len(file), 4096)], "\x00")) == 0:
		return errors.New("it begins with zeros alone: it was not written to its end")
	}
	return fmt.Errorf("no image format that is known (%s): it begins % x", read, file[:min(len(file), 8)])
}
