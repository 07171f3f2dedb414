package session

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"golang.org/x/sys/unix"
	"google.golang.org/protobuf/proto"

	"pombo/bridge/convert"
	"pombo/bridge/host"
)

// Larger files WhatsApp does not carry.
const largestFile = 2 << 30

// spool is a file without a name, on the disk of the state: it is gone with its last descriptor.
func (l *link) spool() (*os.File, error) {
	fd, err := unix.Open(l.s.bridge.Folder, unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, host.Fail("unavailable", "Media cannot be kept")
	}
	return os.NewFile(uintptr(fd), "media"), nil
}

type givenMedia struct {
	MediaType   string `json:"mediaType"`
	MediaBase64 string `json:"mediaBase64"`
	MediaFile   *int   `json:"mediaFile"` // which descriptor of the frame, instead of base64
	MimeType    string `json:"mimeType"`
	FileName    string `json:"fileName"`
	Message     string `json:"message"`
	IsVoice     bool   `json:"isVoice"`
	Duration    *int   `json:"duration"`
	Waveform    []int  `json:"waveform"`
}

func (g givenMedia) bytes(files []*os.File) (io.Reader, error) {
	if g.MediaFile == nil {
		return base64.NewDecoder(base64.StdEncoding, strings.NewReader(g.MediaBase64)), nil
	}
	if *g.MediaFile < 0 || *g.MediaFile >= len(files) || files[*g.MediaFile] == nil {
		return nil, host.Fail("invalid", "Media was not passed on")
	}
	return io.NewSectionReader(files[*g.MediaFile], 0, largestFile), nil
}

func buildMedia(l *link, ctx context.Context, _ types.JID, arguments json.RawMessage, files []*os.File) (
	*waE2E.Message, error) {
	var given givenMedia
	if err := read(arguments, &given); err != nil {
		return nil, err
	}
	kind := convert.MediaType(given.MediaType)
	if kind == "" {
		return nil, errUnsupported
	}
	content, err := given.bytes(files)
	if err != nil {
		return nil, err
	}
	up, err := l.upload(ctx, content, kind)
	if err != nil {
		return nil, err
	}
	return mediaMessage(given, up), nil
}

// upload what is read, encrypted for its kind.
func (l *link) upload(ctx context.Context, content io.Reader, kind whatsmeow.MediaType) (
	*whatsmeow.UploadResponse, error) {
	encrypted, err := l.spool()
	if err != nil {
		return nil, err
	}
	defer encrypted.Close()
	up, err := l.client.UploadReader(ctx, content, encrypted, kind)
	if err != nil {
		if ctx.Err() != nil {
			return nil, host.Fail("unavailable", "The file could not be uploaded in time")
		}
		return nil, host.Fail("internal", "the file could not be uploaded")
	}
	return &up, nil
}

func mediaMessage(given givenMedia, up *whatsmeow.UploadResponse) *waE2E.Message {
	caption := &given.Message
	if given.Message == "" {
		caption = nil
	}
	switch given.MediaType {
	case "image":
		return &waE2E.Message{ImageMessage: &waE2E.ImageMessage{Caption: caption, Mimetype: &given.MimeType,
			URL: &up.URL, DirectPath: &up.DirectPath, MediaKey: up.MediaKey,
			FileEncSHA256: up.FileEncSHA256, FileSHA256: up.FileSHA256, FileLength: &up.FileLength}}
	case "video":
		return &waE2E.Message{VideoMessage: &waE2E.VideoMessage{Caption: caption, Mimetype: &given.MimeType,
			Seconds: seconds(given.Duration), URL: &up.URL, DirectPath: &up.DirectPath, MediaKey: up.MediaKey,
			FileEncSHA256: up.FileEncSHA256, FileSHA256: up.FileSHA256, FileLength: &up.FileLength}}
	case "audio":
		return &waE2E.Message{AudioMessage: &waE2E.AudioMessage{Mimetype: &given.MimeType,
			PTT: &given.IsVoice, Seconds: seconds(given.Duration), Waveform: waveform(given.Waveform),
			URL: &up.URL, DirectPath: &up.DirectPath, MediaKey: up.MediaKey,
			FileEncSHA256: up.FileEncSHA256, FileSHA256: up.FileSHA256, FileLength: &up.FileLength}}
	}
	name := given.FileName
	if name == "" {
		name = "file"
	}
	document := &waE2E.Message{DocumentMessage: &waE2E.DocumentMessage{Caption: caption,
		Mimetype: &given.MimeType, FileName: &name, Title: &name, URL: &up.URL, DirectPath: &up.DirectPath,
		MediaKey: up.MediaKey, FileEncSHA256: up.FileEncSHA256, FileSHA256: up.FileSHA256,
		FileLength: &up.FileLength}}
	return document
}

func seconds(duration *int) *uint32 {
	if duration == nil || *duration < 0 {
		return nil
	}
	return proto.Uint32(uint32(*duration))
}

func waveform(levels []int) []byte {
	var all []byte
	for _, level := range levels {
		all = append(all, byte(level))
	}
	return all
}

// Media behind a key, as a file that is read from its beginning. One that WhatsApp has forgotten is
// asked for once more, of the instance's phone.
func (s *Session) Media(ctx context.Context, text string) (host.Media, *os.File, error) {
	var key convert.MediaKey
	if err := json.Unmarshal([]byte(text), &key); err != nil || key.Path == "" {
		return host.Media{}, nil, host.Fail("notFound", "Media not found")
	}
	if key.Size > largestFile {
		return host.Media{}, nil, host.Fail("tooLarge", "Media is too large")
	}
	l := s.current()
	if l == nil || !l.isReady() {
		return host.Media{}, nil, errNotConnected
	}
	file, err := l.fetched(ctx, key)
	if isGone(err) {
		if key.Path, err = l.askPhone(ctx, key); err == nil {
			file, err = l.fetched(ctx, key)
		}
	}
	if err != nil {
		if host.Code(err) != "" {
			return host.Media{}, nil, err
		}
		return host.Media{}, nil, host.Fail("unavailable", "Media could not be downloaded")
	}
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		file.Close()
		return host.Media{}, nil, err
	}
	return host.Media{MimeType: key.MimeType, FileName: key.FileName, Size: uint64(size)}, file, nil
}

func isGone(err error) bool {
	return errors.Is(err, whatsmeow.ErrMediaDownloadFailedWith403) ||
		errors.Is(err, whatsmeow.ErrMediaDownloadFailedWith404) ||
		errors.Is(err, whatsmeow.ErrMediaDownloadFailedWith410)
}

// bounded file: who sends a file says how long it is, and may lie.
type bounded struct {
	*os.File
	most, left int64
}

func (b *bounded) Write(bytes []byte) (int, error) {
	if b.left -= int64(len(bytes)); b.left < 0 {
		return 0, host.Fail("tooLarge", "Media is too large")
	}
	return b.File.Write(bytes)
}

// Seek is back to the beginning: the library tries again.
func (b *bounded) Seek(offset int64, whence int) (int64, error) {
	b.left = b.most
	return b.File.Seek(offset, whence)
}

// ReadFrom would go around it.
func (b *bounded) ReadFrom(from io.Reader) (int64, error) {
	return io.Copy(struct{ io.Writer }{b}, from)
}

const (
	// What a file is longer by when it is encrypted.
	padding = 1 << 10
	// Of a file whose length nobody has said: what a gateway takes as it comes.
	largestUnsaid = 64 << 20
)

func longest(key convert.MediaKey) int64 {
	if key.Size == 0 {
		return largestUnsaid + padding
	}
	return int64(key.Size) + padding
}

func (l *link) fetched(ctx context.Context, key convert.MediaKey) (*os.File, error) {
	file, err := l.spool()
	if err != nil {
		return nil, err
	}
	ctx, cancel := l.within(ctx)
	defer cancel()
	most := longest(key)
	err = l.client.DownloadMediaWithPathToFile(ctx, key.Path, key.EncHash, key.Hash, key.Key,
		convert.MediaType(key.Kind), "", false, &bounded{file, most, most})
	if err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}
