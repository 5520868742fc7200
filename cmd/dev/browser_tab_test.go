package main

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// patience is how long a tab waits for what should be there.
const patience = 10 * time.Second

// variant is a way in which people look at the pages.
type variant struct {
	name    string
	width   int64    // CSS pixels
	schemes []string // light, dark: each page is looked at in all of them
	script  bool     // JavaScript is on
}

// screenHeight is that of a phone, in CSS pixels.
const screenHeight = 740

// screen makes the screen that high.
func (v variant) screen(height int64) chromedp.Action[chromedp.Void] {
	if v.width < 600 {
		return chromedp.EmulateViewport(v.width, height, chromedp.EmulateMobile)
	}
	return chromedp.EmulateViewport(v.width, height)
}

// colours makes the person prefer a colour scheme.
func colours(scheme string) chromedp.Action[chromedp.Void] {
	return command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme},
		{Name: "prefers-reduced-motion", Value: "reduce"}, // colours on their way would be misjudged
	}})
}

// tab is a tab in a browser of its own: no cookie comes from another one. It
// finds what is on a page as a screen reader does, by role and name, and
// presses it with the mouse.
type tab struct {
	*testing.T
	variant
	*watch
	system *system
	ctx    context.Context
}

// openTab opens a tab that looks at the pages in the given way.
func openTab(t *testing.T, s *system, chromium context.Context, v variant) *tab {
	t.Helper()
	b := &tab{T: t, variant: v, watch: &watch{}, system: s}
	ctx, cancel := chromedp.NewContext(chromium, chromedp.WithNewBrowserContext(), chromedp.WithListener(b.event))
	b.ctx = ctx
	t.Cleanup(func() {
		if t.Failed() {
			b.photograph("failed-" + path.Base(t.Name()))
		}
		cancel()
		for _, complaint := range b.verdict() {
			t.Errorf("the browser %s", complaint)
		}
	})
	if err := chromedp.Do(ctx); err != nil { // opens the tab, which lives as long as this very context
		t.Fatal(err)
	}
	b.do(
		command(audits.Enable, cdp.Empty{}),
		v.screen(screenHeight),
		colours(v.schemes[0]),
		command(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !v.script}),
	)
	return b
}

// command makes a step of a command whose result does not matter.
func command[P, R any](c cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, c, params)
		return err
	})
}

// do takes steps that must not fail.
func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.Fatal(err)
	}
}

// until tries until it works, because pages take their time to come.
func (b *tab) until(what string, try func(context.Context) error) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	var last error
	for {
		err := try(ctx)
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			text, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string]("location.href + '\\n' + document.body.innerText"))
			b.Fatalf("%s: %v\non the page %s", what, last, text)
		}
		last = err
		time.Sleep(20 * time.Millisecond)
	}
}

// open goes to a path of ours.
func (b *tab) open(path string) {
	b.Helper()
	b.do(chromedp.Navigate(b.system.url + path))
}

// sees waits for an element of that role and name.
func (b *tab) sees(role, name string) {
	b.Helper()
	b.until("looking", func(ctx context.Context) error {
		_, err := b.find(ctx, role, name)
		return err
	})
}

// reads waits for a text.
func (b *tab) reads(text string) {
	b.Helper()
	b.until(fmt.Sprintf("looking for %q", text), func(ctx context.Context) error {
		shown, err := chromedp.Run(ctx, chromedp.Evaluate[string]("document.body.innerText"))
		if err == nil && !strings.Contains(shown, text) {
			return errors.New("it is not there")
		}
		return err
	})
}

// lacks checks that none of the texts is on the page as it is now.
func (b *tab) lacks(texts ...string) {
	b.Helper()
	shown, err := chromedp.Run(b.ctx, chromedp.Evaluate[string]("document.body.innerText"))
	if err != nil {
		b.Fatal(err)
	}
	for _, text := range texts {
		if strings.Contains(shown, text) {
			b.Errorf("the page still tells %q", text)
		}
	}
}

// arrives waits until the address of the page has that ending. What Meta adds
// to it stays where there is no JavaScript.
func (b *tab) arrives(ending string) {
	b.Helper()
	b.until("arriving at "+ending, func(ctx context.Context) error {
		at, err := chromedp.Run(ctx, chromedp.Location())
		if err == nil && !strings.HasSuffix(strings.TrimSuffix(at, "#_=_"), ending) {
			return fmt.Errorf("it is %s", at)
		}
		return err
	})
}

// press waits for an element of that role and name and clicks on it.
func (b *tab) press(role, name string) {
	b.Helper()
	b.until("pressing", func(ctx context.Context) error {
		found, err := b.find(ctx, role, name)
		if err != nil {
			return err
		}
		return b.click(ctx, found)
	})
}

// tick sees to it that a box is ticked, or is not.
func (b *tab) tick(name string, on bool) {
	b.Helper()
	b.until("ticking", func(ctx context.Context) error {
		box, err := b.find(ctx, "checkbox", name)
		if err != nil || box.checked == on {
			return err
		}
		if err := b.click(ctx, box); err != nil {
			return err
		}
		return errors.New("it does not change")
	})
}
