package config

import (
	"slices"
	"strings"
)

// Problem says what is wrong with one variable, never what stands in it.
type Problem struct {
	Variable string
	What     string // continues a sentence: "is missing"
}

// Problems are all that Load found, in the order of the variables.
type Problems []Problem

// Error lists every problem.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, problem := range p {
		lines[i] = problem.Variable + " " + problem.What
	}
	return strings.Join(lines, "; ")
}

// Among returns the problems of the variables named, as an error, or nil.
func (p Problems) Among(variables []string) error {
	var found Problems
	for _, problem := range p {
		if slices.Contains(variables, problem.Variable) && !slices.Contains(found, problem) {
			found = append(found, problem)
		}
	}
	if len(found) == 0 {
		return nil
	}
	return found
}
