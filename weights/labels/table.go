package labels

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Titles of columns in tables of classes.
var (
	numberTitles = []string{"id", "index", "idx", "class_id", "classid", "class_index", "label_id", "number", "no", "target", "#"}
	nameTitles   = []string{"name", "class_name", "classname", "label_name", "label", "class", "category", "title", "readable"}
)

// fromTable reads a CSV table with a column of running numbers and one of names, or one of names alone.
func fromTable(text []byte, tabs bool) ([]string, error) {
	r := csv.NewReader(bytes.NewReader(text))
	r.TrimLeadingSpace = true
	head, _, _ := bytes.Cut(text, []byte("\n"))
	switch {
	case tabs || bytes.Contains(head, []byte("\t")):
		r.Comma = '\t'
	case bytes.Contains(head, []byte(";")) && !bytes.Contains(head, []byte(",")):
		r.Comma = ';'
	}
	rows, err := r.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("no CSV table: %w", err)
	}
	var titles []string
	for _, cell := range rows[0] {
		titles = append(titles, strings.ToLower(strings.TrimSpace(cell)))
	}
	if slices.ContainsFunc(titles, func(t string) bool { return slices.Contains(numberTitles, t) || slices.Contains(nameTitles, t) }) {
		rows = rows[1:]
	} else {
		titles = make([]string, len(titles))
	}
	if len(rows) == 0 {
		return nil, errors.New("no names of classes: the table has no rows")
	}
	if len(titles) == 1 {
		var names []string
		for _, row := range rows {
			names = append(names, strings.TrimSpace(synset.ReplaceAllString(row[0], "")))
		}
		return names, nil
	}
	number := -1
	for c := range titles {
		if _, ok := column(rows, c, c); ok && (number < 0 || slices.Contains(numberTitles, titles[c])) {
			number = c
		}
	}
	if number < 0 {
		return nil, errors.New("no column has the classes' numbers, from 0 or from 1 on without a gap: give a table of two columns, number and name, or one name a line")
	}
	var words []int // columns that are not numbers
	for c := range titles {
		if c != number && slices.ContainsFunc(rows, func(row []string) bool {
			value := strings.TrimSpace(row[c])
			_, err := strconv.ParseFloat(value, 64)
			return err != nil && !wordNet.MatchString(value)
		}) {
			words = append(words, c)
		}
	}
	for _, title := range nameTitles {
		if i := slices.Index(titles, title); i >= 0 && slices.Contains(words, i) {
			words = []int{i}
			break
		}
	}
	if len(words) != 1 {
		return nil, fmt.Errorf("which of the %d columns has the classes' names? Give a table of two columns, number and name, or one name a line", len(titles))
	}
	names, _ := column(rows, number, words[0])
	return names, nil
}

// column lists the cells of a column in the order of the numbers in another, if these run without a gap.
func column(rows [][]string, number, of int) ([]string, bool) {
	found := map[int]string{}
	for _, row := range rows {
		n, err := strconv.Atoi(strings.TrimSpace(row[number]))
		if err != nil {
			return nil, false
		}
		found[n] = row[of]
	}
	return inOrder(found, len(rows))
}
