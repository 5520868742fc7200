package note_test

import (
	"context"
	"fmt"
	"log/slog"
	"reflect"
	"sync"
	"testing"

	"igconnect/lib/note"
)

func ExampleAdd() {
	ctx, record := note.New(context.Background())
	note.Add(ctx, "stopped", "17841400000000001")
	note.Add(ctx, "skipped", "the first Page")
	note.Add(ctx, "skipped", "the second Page")
	for _, attribute := range record.Attributes() {
		fmt.Println(attribute)
	}
	// Output:
	// stopped=17841400000000001
	// skipped=[the first Page the second Page]
}

func TestWithoutRecord(t *testing.T) {
	t.Parallel()
	note.Add(t.Context(), "key", "value") // must not panic
}

func TestSideBySide(t *testing.T) {
	t.Parallel()
	ctx, record := note.New(t.Context())
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() { note.Add(ctx, "n", 1) })
	}
	group.Wait()
	attributes := record.Attributes()
	if len(attributes) != 1 || len(attributes[0].Value.Any().([]any)) != 50 {
		t.Errorf("got %v, want one key with 50 values", attributes)
	}
}

func TestOrderAndSingleValues(t *testing.T) {
	t.Parallel()
	ctx, record := note.New(t.Context())
	note.Add(ctx, "b", 1)
	note.Add(ctx, "a", "two")
	want := []slog.Attr{slog.Int("b", 1), slog.String("a", "two")}
	if got := record.Attributes(); !reflect.DeepEqual(fmt.Sprint(got), fmt.Sprint(want)) {
		t.Errorf("got %v, want %v", got, want)
	}
}
