package main

import "context"

// side is one of the two that are compared.
type side struct {
	name     string
	all      program // serves login and callback
	login    program // is started again and again
	size     int64   // bytes on disk
	url      string
	debugURL string // of igconnect only
	visitors []visitor
	process  *process
}

func (s *side) redirectURI() string { return s.url + "/api/auth/callback" }

// launch starts the side's process for as long as the setting stands.
func (s *side) launch(ctx context.Context, around *setting) (err error) {
	if s.process, err = s.all.spawn(around.scratch); err != nil {
		return err
	}
	around.closers = append(around.closers, s.process.stop)
	return s.ready(ctx)
}

// ready waits until the side answers.
func (s *side) ready(ctx context.Context) error {
	_, err := s.process.answers(ctx, s.url+"/api/login", "")
	return err
}

// debug asks the process about itself.
func (s *side) debug(path string) (string, error) {
	answer, err := get(context.Background(), s.debugURL+path, "")
	return answer.body, err
}
