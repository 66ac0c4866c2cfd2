package train

import (
	"math"
	"time"
)

// A pace is the speed of something as measured lately: older measurements fade with a time constant
// of half a minute, so that the time left follows a machine that becomes busy.
type pace struct{ images, seconds float64 }

const fade = 30 // seconds

func (p *pace) add(images int, d time.Duration) {
	s := d.Seconds()
	f := math.Exp(-s / fade)
	p.images, p.seconds = p.images*f+float64(images), p.seconds*f+s
}

// rate is images per second, 0 before the first measurement.
func (p *pace) rate() float64 {
	if p.seconds <= 0 {
		return 0
	}
	return p.images / p.seconds
}

// evaluationFactor is how much faster images are evaluated than trained on, until it is measured:
// training multiplies about three times as much.
const evaluationFactor = 3

// estimate is the time for what is left, at the pace measured; 0 if there is none yet.
func estimate(train, eval pace, trainImages, evalImages int) time.Duration {
	t, e := train.rate(), eval.rate()
	if e == 0 {
		e = evaluationFactor * t
	}
	seconds := 0.0
	if trainImages > 0 {
		if t == 0 {
			return 0
		}
		seconds += float64(trainImages) / t
	}
	if evalImages > 0 {
		if e == 0 {
			return 0
		}
		seconds += float64(evalImages) / e
	}
	return time.Duration(seconds * float64(time.Second))
}
