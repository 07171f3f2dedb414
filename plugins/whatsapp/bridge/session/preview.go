package session

import (
	"context"
	"html"
	"regexp"
	"strings"
	"time"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"google.golang.org/protobuf/proto"
)

const previewWait = 5 * time.Second

var (
	links      = regexp.MustCompile(`https?://[^\s<>"]+`)
	titles     = regexp.MustCompile(`(?is)<title[^>]*>(.*?)</title>`)
	properties = regexp.MustCompile(`(?is)<meta\s[^>]*>`)
	attribute  = regexp.MustCompile(`(?is)(property|name|content)\s*=\s*("([^"]*)"|'([^']*)')`)
)

// addPreview of the first link. The gateway fetches it, under its own rules and through the
// instance's proxy; a page that does not come is no reason not to send.
func (l *link) addPreview(ctx context.Context, text *waE2E.ExtendedTextMessage) {
	link := strings.TrimRight(links.FindString(text.GetText()), ".,;:!?)")
	if link == "" {
		return
	}
	page, err := l.s.bridge.Host.Get(ctx, l.s.id, link, previewWait)
	if err != nil {
		return
	}
	title, description := describedBy(page)
	if title == "" {
		return
	}
	text.MatchedText = proto.String(link)
	text.Title = proto.String(title)
	text.PreviewType = waE2E.ExtendedTextMessage_NONE.Enum()
	if description != "" {
		text.Description = proto.String(description)
	}
}

// describedBy what a page says of itself, for others or in its title.
func describedBy(page string) (title, description string) {
	if found := titles.FindStringSubmatch(page); found != nil {
		title = found[1]
	}
	for _, meta := range properties.FindAllString(page, 200) {
		name, content := "", ""
		for _, each := range attribute.FindAllStringSubmatch(meta, -1) {
			value := each[3] + each[4]
			if strings.EqualFold(each[1], "content") {
				content = value
			} else {
				name = strings.ToLower(value)
			}
		}
		switch name {
		case "og:title":
			title = content
		case "og:description":
			description = content
		case "description":
			if description == "" {
				description = content
			}
		}
	}
	return shortened(title, 200), shortened(description, 400)
}

func shortened(text string, most int) string {
	text = strings.ToValidUTF8(strings.Join(strings.Fields(html.UnescapeString(text)), " "), "")
	if letters := []rune(text); len(letters) > most {
		return string(letters[:most])
	}
	return text
}
