package session

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"os"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"

	"pombo/bridge/host"
)

const (
	stickerMime = "image/webp"
	stickerSide = 512
	webpHeader  = 30 // bytes, of whichever of its three formats
)

var errNotSticker = host.Fail("unsupported", "Only WebP of %d x %d pixels can be sent as a sticker",
	stickerSide, stickerSide)

// buildSticker of what is one already: nothing here writes WebP.
func buildSticker(l *link, ctx context.Context, _ types.JID, arguments json.RawMessage, files []*os.File) (
	*waE2E.Message, error) {
	var given givenMedia
	if err := read(arguments, &given); err != nil {
		return nil, err
	}
	content, err := given.bytes(files)
	if err != nil {
		return nil, err
	}
	buffered := bufio.NewReader(content)
	header, _ := buffered.Peek(webpHeader)
	moves, err := stickerIn(header)
	if err != nil {
		return nil, err
	}
	up, err := l.upload(ctx, buffered, whatsmeow.MediaImage)
	if err != nil {
		return nil, err
	}
	return &waE2E.Message{StickerMessage: &waE2E.StickerMessage{Mimetype: proto.String(stickerMime),
		Width: proto.Uint32(stickerSide), Height: proto.Uint32(stickerSide), IsAnimated: &moves,
		URL: &up.URL, DirectPath: &up.DirectPath, MediaKey: up.MediaKey,
		FileEncSHA256: up.FileEncSHA256, FileSHA256: up.FileSHA256, FileLength: &up.FileLength}}, nil
}

// stickerIn the first bytes of a file: whether it moves.
func stickerIn(header []byte) (moves bool, err error) {
	if len(header) < webpHeader || string(header[:4]) != "RIFF" || string(header[8:12]) != "WEBP" {
		return false, errNotSticker
	}
	short := func(at int) int { return int(binary.LittleEndian.Uint16(header[at:])) }
	var width, height int
	switch string(header[12:16]) {
	case "VP8X": // 24 bits each, less one
		width, height = 1+short(24)+int(header[26])<<16, 1+short(27)+int(header[29])<<16
		moves = header[20]&2 != 0
	case "VP8L": // 14 bits each, less one, behind a byte that signs it
		bits := binary.LittleEndian.Uint32(header[21:])
		width, height = 1+int(bits&0x3fff), 1+int(bits>>14&0x3fff)
	case "VP8 ": // 14 bits each; the others scale it
		width, height = short(26)&0x3fff, short(28)&0x3fff
	}
	if width != stickerSide || height != stickerSide {
		return false, errNotSticker
	}
	return moves, nil
}
