package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/runtime"
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

// tab is a tab in a browser of its own: no cookie comes from another one. It finds what is on a
// page as a screen reader does, by role and name, and presses it with the mouse.
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

// evaluate runs JavaScript on the page and returns its value.
func evaluate[T any](b *tab, code string) T {
	b.Helper()
	value, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](code))
	if err != nil {
		b.Fatal(err)
	}
	return value
}

const shownText = "document.body.innerText"

// open goes to a path of ours.
func (b *tab) open(path string) {
	b.Helper()
	b.do(chromedp.Navigate(b.system.at.main + path))
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
		shown, err := chromedp.Run(ctx, chromedp.Evaluate[string](shownText))
		if err == nil && !strings.Contains(shown, text) {
			return errors.New("it is not there")
		}
		return err
	})
}

// arrives waits until the address of the page has that ending, apart from its fragment. What Meta
// adds, #_=_, stays at the callback where there is no JavaScript, and goes no further.
func (b *tab) arrives(ending string) {
	b.Helper()
	b.until("arriving at "+ending, func(ctx context.Context) error {
		at, err := chromedp.Run(ctx, chromedp.Location())
		address, fragment, _ := strings.Cut(at, "#")
		if err == nil && (!strings.HasSuffix(address, ending) || fragment != "" && ending != "/callback") {
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

// tick sees to it that boxes are ticked, or are not.
func (b *tab) tick(on bool, names ...string) {
	b.Helper()
	for _, name := range names {
		b.until("ticking", func(ctx context.Context) error {
			box, err := b.find(ctx, "checkbox", name)
			if err != nil || box.checked == on {
				return err
			}
			return errors.Join(b.click(ctx, box), errors.New("it does not change"))
		})
	}
}

// element is what a screen reader finds on a page.
type element struct {
	role, name string
	checked    bool
	node       cdp.BackendNodeID
}

// elements returns those of the accessibility tree.
func (b *tab) elements(ctx context.Context) ([]element, error) {
	tree, err := chromedp.Call(ctx, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	if err != nil {
		return nil, err
	}
	var all []element
	for _, node := range tree.Nodes {
		if node.Ignored {
			continue
		}
		all = append(all, element{
			role: axText(node.Role), name: axText(node.Name), node: node.BackendDOMNodeID,
			checked: slices.ContainsFunc(node.Properties, func(p *accessibility.Property) bool {
				return p.Name == accessibility.PropertyNameChecked && axText(p.Value) == "true"
			}),
		})
	}
	return all, nil
}

// axText is a value of the accessibility tree, "" if it is none or no text.
func axText(v *accessibility.Value) string {
	var text string
	if v == nil || json.Unmarshal(v.Value, &text) != nil {
		return ""
	}
	return text
}

// find returns the one element of that role and name; "…" at the end of the
// name stands for anything.
func (b *tab) find(ctx context.Context, role, name string) (element, error) {
	all, err := b.elements(ctx)
	if err != nil {
		return element{}, err
	}
	beginning, open := strings.CutSuffix(name, "…")
	found := slices.DeleteFunc(slices.Clone(all), func(e element) bool {
		return e.role != role || e.name != name && !(open && strings.HasPrefix(e.name, beginning))
	})
	if len(found) != 1 {
		return element{}, fmt.Errorf("there are %d of the role %s with the name %q", len(found), role, name)
	}
	return found[0], nil
}

// whereToPress scrolls an element into view and returns its middle, once the
// page has loaded and nothing lies on top.
const whereToPress = `function () {
  if (document.readyState !== "complete") return { problem: "the page is still loading" };
  this.scrollIntoView({ block: "center" });
  const box = this.getClientRects()[0];
  if (!box) return { problem: "it takes no room" };
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  const hit = this.getRootNode().elementFromPoint(x, y); // it may lie in a shadow
  return this.contains(hit) ? { x, y } : { problem: "it is covered by " + hit?.outerHTML.slice(0, 80) };
}`

// click presses the mouse in the middle of an element.
func (b *tab) click(ctx context.Context, e element) error {
	resolved, err := chromedp.Call(ctx, dom.ResolveNode, dom.ResolveNodeParams{BackendNodeID: e.node})
	if err != nil {
		return err
	}
	spot, err := chromedp.Run(ctx, chromedp.CallFunctionOn[struct {
		X, Y    float64
		Problem string
	}](whereToPress, func(p *runtime.CallFunctionOnParams) { p.ObjectID = resolved.Object.ObjectID }))
	if err != nil {
		return err
	}
	if spot.Problem != "" {
		return fmt.Errorf("%s %q: %s", e.role, e.name, spot.Problem)
	}
	for _, kind := range []input.DispatchMouseEventType{input.DispatchMouseEventTypeMousePressed, input.DispatchMouseEventTypeMouseReleased} {
		_, err := chromedp.Call(ctx, input.DispatchMouseEvent, input.DispatchMouseEventParams{
			Type: kind, X: spot.X, Y: spot.Y, Button: input.MouseButtonLeft, ClickCount: 1,
		})
		if err != nil {
			return err
		}
	}
	return nil
}
