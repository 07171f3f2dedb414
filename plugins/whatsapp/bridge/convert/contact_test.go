package convert

import (
	"reflect"
	"testing"

	"go.mau.fi/whatsmeow/proto/waSyncAction"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	"google.golang.org/protobuf/proto"
)

func TestWhatBecomesKnownOfSomebodyLeavesTheRestAsItWas(t *testing.T) {
	others := eve.String()
	number := types.NewJID("15550003333", types.DefaultUserServer)
	for _, each := range []struct {
		evt    any
		wanted Object
	}{
		{&events.Contact{JID: bob, Action: &waSyncAction.ContactAction{FullName: proto.String("Bob Li")}},
			Object{"jid": bob.String(), "lid": bobs.String(), "firstName": "", "fullName": "Bob Li"}},
		{&events.Contact{JID: number, Action: &waSyncAction.ContactAction{LidJID: &others}},
			Object{"jid": number.String(), "lid": others, "firstName": "", "fullName": ""}},
		{&events.Contact{JID: eve, Action: &waSyncAction.ContactAction{PnJID: proto.String(number.String())}},
			Object{"jid": number.String(), "lid": others, "firstName": "", "fullName": ""}},
		{&events.PushName{JID: bobs, JIDAlt: bob, NewPushName: "Bobby"},
			Object{"jid": bob.String(), "lid": bobs.String(), "pushName": "Bobby"}},
		{&events.BusinessName{JID: number, NewBusinessName: "Shop"},
			Object{"jid": number.String(), "businessName": "Shop"}},
	} {
		if data := ContactOf(ctx, book{}, each.evt); !reflect.DeepEqual(data, each.wanted) {
			t.Errorf("%v", data)
		}
	}
}

func TestWhoIsKeptUnderBothAddressesIsOneContact(t *testing.T) {
	known := map[types.JID]types.ContactInfo{
		bob:  {FirstName: "Bob", FullName: "Bob Li"},
		bobs: {PushName: "Bobby", BusinessName: "Shop"},
		eve:  {PushName: "Eve"},
		types.NewJID("120363", types.NewsletterServer): {PushName: "News"},
	}
	wanted := []Object{
		{"jid": bob.String(), "lid": bobs.String(), "firstName": "Bob", "fullName": "Bob Li", "pushName": "Bobby",
			"businessName": "Shop"},
		{"jid": eve.String(), "lid": eve.String(), "pushName": "Eve"}}
	if all := ContactsOf(ctx, book{}, known); !reflect.DeepEqual(all, wanted) {
		t.Fatal(all)
	}
}
