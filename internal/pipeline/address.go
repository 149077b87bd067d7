package pipeline

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// mostAddress is how many bytes an address may have.
const mostAddress = 2000

// Address is where people find what a stage has deployed; empty where its file does not
// say. It is worked out from what the stage's actions said, so it comes with an error
// where that makes none.
func (x Execution) Address(stage int) (string, error) {
	text := x.Definition.Stages[stage].Address
	if text == "" {
		return "", nil
	}
	m := move{Execution: x}
	text, err := m.expand("the url of the environment", text)
	if err != nil {
		return "", err
	}
	return text, CheckAddress(text)
}

// addressPattern is an address with a host and without a user, in ASCII.
var addressPattern = regexp.MustCompile(`^https?://[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?([/?#][!-~]*)?$`)

// CheckAddress refuses what is no address that a person may be sent to.
func CheckAddress(text string) error {
	switch {
	case len(text) > mostAddress:
		return fmt.Errorf("the url of the environment has more than %d bytes", mostAddress)
	case !strings.HasPrefix(text, "https://") && !strings.HasPrefix(text, "http://"):
		return errors.New("the url of the environment must begin with https:// or http://")
	case !addressPattern.MatchString(text) || strings.ContainsAny(text, "<>\"\\`"):
		return errors.New("the url of the environment must be a host without a user and, behind it, a path of characters that addresses have")
	}
	return nil
}
