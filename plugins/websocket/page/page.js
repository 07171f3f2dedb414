"use strict";
// Shows what one instance tells its WebSockets. The token lives as long as the page.

const MOST_SHOWN = 500;
const door = document.getElementById("door");
const standing = document.getElementById("status");
const events = document.getElementById("events");
let socket = null;

function say(what, is = "") {
  standing.textContent = what;
  standing.dataset.is = is;
}

function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

// What an event is about, in a few words.
function gist({data}) {
  const sender = data.sender ?? data.message?.sender;  // as events.messageShape says
  const who = sender?.name || sender?.jid || data.from?.name || data.groupName;
  const content = data.message?.content;
  const what = data.state ?? content?.text ?? content ?? data.message?.type ?? data.status ??
      data.action ?? data.type ?? "";
  return who ? `${who}: ${what}` : String(what);
}

function show(event) {
  const details = document.createElement("details");
  const summary = document.createElement("summary");
  const time = element("time", new Date(event.timestamp).toLocaleTimeString());
  time.dateTime = event.timestamp;
  summary.append(time, element("b", event.event), element("span", gist(event)));
  const hidden = {...event, instanceData: {...event.instanceData, token: "…"}};
  details.append(summary, element("pre", JSON.stringify(hidden, null, 2)));
  const item = document.createElement("li");
  item.append(details);
  events.prepend(item);
  while (events.children.length > MOST_SHOWN) events.lastChild.remove();
}

// A browser tells its pages nothing of an answer that refuses a WebSocket: a plain call is refused
// for the same reason.
async function refusal(path, token) {
  try {
    const answer = await fetch(path, {headers: {token}});
    const {error} = await answer.json();
    return answer.status === 426
        ? "The server or a proxy before it refuses WebSockets of this page." : error.message;
  } catch {
    return "The server does not answer.";
  }
}

function listen(instance, token, narrowed) {
  socket?.close();
  const path = `ws/${encodeURIComponent(instance)}` +
      (narrowed ? `?events=${encodeURIComponent(narrowed)}` : "");
  const url = new URL(path, document.baseURI);
  url.protocol = url.protocol.replace("http", "ws");
  url.searchParams.set("token", token);
  const mine = socket = new WebSocket(url);
  let opened = false;
  say(`Asking for ${instance}…`);
  mine.onopen = () => {
    opened = true;
    say(`Listening to ${instance}. What happens from now on is shown here.`, "open");
  };
  mine.onmessage = ({data}) => mine === socket && show(JSON.parse(data));
  mine.onclose = async ({code, reason}) => {
    const why = opened ? `The stream has ended: ${reason || `code ${code}`}.`
        : await refusal(path, token);
    if (mine === socket) say(why, "bad");
  };
}

door.addEventListener("submit", event => {
  event.preventDefault();
  listen(door.instance.value.trim(), door.token.value.trim(), door.events.value.replace(/\s/g, ""));
});

// A link says whom to listen to behind its "#", which no server is told. A token is taken out of
// the address: it would stay in the history.
const asked = new URLSearchParams(location.hash.slice(1));
for (const name of ["instance", "token", "events"]) door[name].value = asked.get(name) ?? "";
if (asked.has("token")) {
  asked.delete("token");
  history.replaceState(null, "", `${location.pathname}#${asked}`);
  if (door.checkValidity()) door.requestSubmit();
}

const server = new URL(document.body.dataset.server);
if (server.origin !== location.origin) {
  const link = document.querySelector("#elsewhere a");
  link.href = link.textContent = `${server.href.replace(/\/$/, "")}/watch`;
  link.parentElement.hidden = false;
}
