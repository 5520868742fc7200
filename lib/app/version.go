package app

// Version is this release's, as its git tag has it behind a v. It is written
// here only, and at the top of CHANGELOG.md: https://semver.org
const Version = "0.9.0"
