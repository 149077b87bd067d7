package web

import (
	"fmt"
	"math"
	"strings"
)

// rgb is a colour, 0 to 255 each.
type rgb [3]float64

var (
	black    = rgb{}
	white    = rgb{255, 255, 255}
	panel    = rgb{0x11, 0x16, 0x1d} // behind a log, --log in style.css
	contrast = 4.5                   // WCAG AA
)

// basic are the eight colours of a terminal and their bright forms, as they
// can be read on the panel.
var basic = [16]rgb{
	{0x8b, 0x94, 0x9e},
	{0xff, 0x7b, 0x72},
	{0x56, 0xd3, 0x64},
	{0xe3, 0xb3, 0x41},
	{0x79, 0xc0, 0xff},
	{0xd2, 0xa8, 0xff},
	{0x56, 0xd4, 0xdd},
	{0xd6, 0xdc, 0xe3},
	{0x9d, 0xa7, 0xb3},
	{0xff, 0xa1, 0x98},
	{0x7e, 0xe7, 0x87},
	{0xf2, 0xcc, 0x60},
	{0xa5, 0xd6, 0xff},
	{0xe2, 0xc5, 0xff},
	{0xb3, 0xf0, 0xff},
	{0xff, 0xff, 0xff},
}

// grounds are the same as backgrounds.
var grounds = [16]rgb{
	{0x39, 0x41, 0x4b},
	{0xb6, 0x23, 0x24},
	{0x3f, 0xb9, 0x50},
	{0xd2, 0x99, 0x22},
	{0x1f, 0x6f, 0xeb},
	{0x89, 0x57, 0xe5},
	{0x39, 0xc5, 0xcf},
	{0xb1, 0xba, 0xc4},
	{0x6e, 0x76, 0x81},
	{0xff, 0x7b, 0x72},
	{0x56, 0xd3, 0x64},
	{0xe3, 0xb3, 0x41},
	{0x79, 0xc0, 0xff},
	{0xd2, 0xa8, 0xff},
	{0x56, 0xd4, 0xdd},
	{0xff, 0xff, 0xff},
}

// palette makes the rules for the classes terminal-to-html writes. A text
// colour too dark for the panel is made lighter until it can be read.
func palette() string {
	var b strings.Builder
	for i := range 256 {
		c := indexColour(i, grounds)
		ground(&b, fmt.Sprintf("bgx%d", i), c)
		if i < 16 {
			ground(&b, groundClass(i), c)
		}
	}
	for i := range 256 {
		c := readable(indexColour(i, basic))
		ink(&b, fmt.Sprintf("fgx%d", i), c)
		if i < 16 {
			ink(&b, inkClass(i), c)
		}
	}
	for i, c := range grounds {
		clash(&b, i, c)
	}
	return b.String()
}

func ground(b *strings.Builder, class string, c rgb) {
	fmt.Fprintf(b, ".term-%s{background:%s;color:%s}\n", class, c, on(c))
}

func ink(b *strings.Builder, class string, c rgb) {
	fmt.Fprintf(b, ".term-%s{color:%s}\n", class, c)
}

// clash gives up the text colours that cannot be told from a background.
func clash(b *strings.Builder, i int, c rgb) {
	var inks []string
	for j, text := range basic {
		if ratio(text, c) < contrast {
			inks = append(inks, ".term-"+inkClass(j))
		}
	}
	fmt.Fprintf(b, ".term-%s:is(%s){color:%s}\n", groundClass(i), strings.Join(inks, ","), on(c))
}

// on is the better of black and white on a background.
func on(c rgb) rgb {
	if ratio(c, white) > ratio(c, black) {
		return white
	}
	return black
}

func groundClass(i int) string {
	if i < 8 {
		return fmt.Sprintf("bg%d", 40+i)
	}
	return fmt.Sprintf("bgi%d", 100+i-8)
}

func inkClass(i int) string {
	if i < 8 {
		return fmt.Sprintf("fg%d", 30+i)
	}
	return fmt.Sprintf("fgi%d", 90+i-8)
}

// indexColour is a colour of xterm's 256: sixteen, a cube, and greys.
func indexColour(i int, first [16]rgb) rgb {
	if i < 16 {
		return first[i] //nolint:gosec // i is never below zero
	}
	if i >= 232 {
		v := float64(8 + 10*(i-232))
		return rgb{v, v, v}
	}
	steps := [6]float64{0, 95, 135, 175, 215, 255}
	i -= 16
	return rgb{steps[i/36], steps[i/6%6], steps[i%6]}
}

func readable(c rgb) rgb {
	for ratio(c, panel) < contrast {
		for i := range c {
			c[i] = math.Ceil(c[i] + (255-c[i])/8)
		}
	}
	return c
}

// ratio is the contrast of two colours, from 1 to 21.
func ratio(a, b rgb) float64 {
	x, y := a.luminance(), b.luminance()
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func (c rgb) luminance() float64 {
	weights := [3]float64{0.2126, 0.7152, 0.0722}
	sum := 0.0
	for i, v := range c {
		v /= 255
		if v <= 0.04045 {
			v /= 12.92
		} else {
			v = math.Pow((v+0.055)/1.055, 2.4)
		}
		sum += weights[i] * v
	}
	return sum
}

func (c rgb) String() string {
	return fmt.Sprintf("#%02x%02x%02x", int(c[0]), int(c[1]), int(c[2]))
}
