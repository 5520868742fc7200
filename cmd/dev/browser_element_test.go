package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

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
  const hit = document.elementFromPoint(x, y);
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
