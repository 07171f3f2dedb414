package convert

import (
	"reflect"
	"testing"
	"time"

	"go.mau.fi/whatsmeow/types/events"
)

func TestWhatAPhoneHasDeletedIsNamedByTheNumberOfTheChat(t *testing.T) {
	at := time.Unix(1_700_000_000, 0)
	for _, each := range []struct {
		evt    any
		wanted Object
	}{
		{&events.DeleteForMe{ChatJID: bobs, MessageID: "3EB0", Timestamp: at},
			Object{"chat": bob.String(), "messageId": "3EB0"}},
		{&events.ClearChat{JID: bobs, Timestamp: at},
			Object{"chat": bob.String(), "deletedUntil": "2023-11-14T22:13:20Z"}},
		{&events.DeleteChat{JID: bob, Timestamp: at},
			Object{"chat": bob.String(), "deletedUntil": "2023-11-14T22:13:20Z"}},
	} {
		if data := DeletionOf(ctx, book{}, each.evt); !reflect.DeepEqual(data, each.wanted) {
			t.Errorf("%v", data)
		}
	}
}
