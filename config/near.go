package config

import "strings"

// instead proposes the known name that was most likely meant: the only one that
// ends as the given one does (STAGEGATE_APP_ID), else the nearest if it is near.
func instead(name string, known []string) string {
	best, least := "", len(name)
	var endsAlike []string
	for _, k := range known {
		if strings.HasSuffix(k, "_"+strings.TrimPrefix(name, prefix)) {
			endsAlike = append(endsAlike, k)
		}
		if d := distance(name, k); d < least {
			best, least = k, d
		}
	}
	if len(endsAlike) == 1 {
		best, least = endsAlike[0], 0
	}
	// Beyond a third of its own part the name is more likely another word than a typing error.
	if least <= max(2, (len(name)-len(prefix))/3) {
		return "did you mean " + best + "? Else unset it"
	}
	return "unset it, or see `stagegate serve --help` for the settings there are"
}

// distance is how many letters must be added, dropped, changed or swapped with
// their neighbour to make b of a (optimal string alignment).
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
