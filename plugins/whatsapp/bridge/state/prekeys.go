package state

import (
	"context"

	"go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/store/sqlstore"
	"go.mau.fi/whatsmeow/util/keys"
)

// atOnce makes the 812 keys of a new device in one transaction instead of one each.
type atOnce struct{ *sqlstore.SQLStore }

func (a atOnce) GetOrGenPreKeys(ctx context.Context, count uint32) (all []*keys.PreKey, err error) {
	err = a.DoDecryptionTxn(ctx, func(ctx context.Context) (err error) {
		all, err = a.SQLStore.GetOrGenPreKeys(ctx, count)
		return err
	})
	return all, err
}

// Quicken a device that has been saved.
func Quicken(device *store.Device) {
	if plain, is := device.PreKeys.(*sqlstore.SQLStore); is {
		device.PreKeys = atOnce{plain}
	}
}
