package explain

import "github.com/gorgonia-zoo/gorgonia-zoo/zoo/infer"

// Of is a classifier as a subject. Images are prepared with [infer.Classifier.Prepare].
func Of(c *infer.Classifier) *Subject {
	if c == nil || c.Model() == nil { // what is asked of it says so
		return &Subject{}
	}
	s := &Subject{Network: c.Model(), Params: c.Parameters(), Input: c.Input(), Classes: c.Classes()}
	if p := c.Meta().Preprocessing; p != nil {
		s.Mean, s.Std, s.White, s.BGR = p.Mean, p.Std, p.Scale, p.Channels == "bgr"
	}
	return s
}
