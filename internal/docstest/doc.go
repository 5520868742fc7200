// Package docstest holds the documents against the code: what they name exists, what they list is
// complete, and their commands and examples work. It consists of tests alone; nothing imports it.
// The example of docs/doctor.md is tested in cmd/doctor, beside the functions that print it.
package docstest
