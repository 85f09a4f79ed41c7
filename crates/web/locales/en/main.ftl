# The shell, the list of conversations, the conversation.

skip = Skip to what is open
back = Back
close = Close
retry = Try again
details = Details
opening = Opening your diary…
today = Today
yesterday = Yesterday

## What is always there

conversations = Conversations
ways = Go to
ways-new = New conversation
ways-devices = Devices
ways-settings = Settings
search = Search conversations
search-nothing = No conversation has this name.
find-words = Find “{ $words }” in messages
find-in = Find in this conversation
list-empty = Your diary is still blank
list-empty-hint = Write to somebody, and it begins.
nothing-open = Choose a conversation
nothing-open-hint = Only the people in it can read it.

## How it stands with the server

status-idle = Not connected
status-connected = Connected
status-updating = Updating…
status-connecting = Connecting…
status-sending =
    { $count ->
        [one] Sending a message…
       *[other] Sending { $count } messages…
    }
status-reconnecting = Reconnecting in { $seconds } s
status-offline = Offline
status-offline-waiting =
    { $count ->
        [one] Offline: { $count } message waiting
       *[other] Offline: { $count } messages waiting
    }
status-try = Try now
banner-broken = Something went wrong with what is stored in this browser. Load the page again to go on from what is safe.
banner-reload = Load again
banner-broken-reload = Often it is enough to load the page again: try that first. Messages that were not sent yet are lost by this.
banner-held = The files are held by another tab or window. Close it, and try again.
banner-elsewhere = Diario is open in another tab of this browser. Go on there, or close it to go on here.
banner-revoked = This device was removed from your account. You can still read what is here, but nothing new comes in.
banner-expired = This device’s time has run out. Renew it on a main device, on its page of devices. What you write here meanwhile is kept, and goes out then.
banner-ends = This device’s time runs out within three days. Open Diario on a main device before, or renew this one there.
banner-memory = This browser does not let Diario keep anything. What you read and write here is gone when you close it.
banner-alarm = Something came that no honest server or device sends. It was refused, and nothing here was changed.
banner-understood = Understood

## The list

draft = Draft:
title-self = Notes to yourself
title-group-empty = Group
preview-mine = You: { $text }
preview-of = { $sender }: { $text }
typing = is typing…
typing-one = { $name } is typing…
typing-many = { $count } people are typing…
row-more = What to do with { $title }
row-muted = Muted
row-pinned = Pinned
row-verified = Verified
row-key-changed = The key has changed
key-changed = { $name } is another account than before, with another key. They began anew, or somebody pretends to be them. Ask them by other means, and compare the safety number.
key-changed-verified = You verified { $name } before. This is another account, with another key: they began anew, or somebody pretends to be them. Ask them by other means, and compare the safety number.
key-accept = Write all the same
key-known = I know about it
key-changed-group = Somebody in this group is another account than before, with another key. Look who it is before you write something secret.
key-changed-who = See who
row-unread =
    { $count ->
        [one] { $count } unread message
       *[other] { $count } unread messages
    }
menu = Conversation
menu-pin = Pin to the top
menu-unpin = Unpin
menu-mute = Mute
menu-unmute = Unmute
menu-details = Details

## How far a message has come

tick-clock = Waiting to be sent
tick-sent = Sent
tick-delivered = Delivered
tick-read = Read
tick-failed = Not sent

## The conversation

conversation-unknown = This conversation is not here
conversation-to-list = To your conversations
log = Messages with { $title }
log-older = Fetching older messages…
log-missing-older = Loading older messages…
log-missing-newer = Loading what came next…
log-missing-offline = Not on this device yet. It comes when you are connected.
log-gap = Fetching what is missing…
jump = Go to a date
jump-title = Go to a date
jump-date = Date
jump-go = Go
jump-nothing = Nothing was said in this conversation yet.
log-empty = A blank page
log-empty-hint = What you write here is sealed on this device. Only the people in this conversation can open it.
log-empty-self = Only your own devices can read what you write here.
self-hint = Only on your devices
members-count =
    { $count ->
        [one] { $count } member
       *[other] { $count } members
    }
members-joined =
    { $count ->
        [one] { $names } came in.
       *[other] { $names } came in.
    }
members-left =
    { $count ->
        [one] { $names } is no longer in this conversation.
       *[other] { $names } are no longer in this conversation.
    }
members-changed = The members changed.
unread-line = New messages
to-newest = To the newest message
to-newest-unread =
    { $count ->
        [one] To the newest message, { $count } unread
       *[other] To the newest message, { $count } unread
    }
message-you = You:
message-of = { $sender }:
message-waiting = Waiting for the key of this message…
message-refused = This message could not be trusted, and is not shown.
message-erased = Deleted by its sender.
message-gone = No longer kept by the server.
message-failed = Not sent.
message-resend = Send again
message-discard = Discard
composer-label = Message to { $title }
composer-placeholder = Write a message
composer-send = Send
composer-left = You are no longer in this conversation. You can still read it.
announce = New message from { $sender } in { $title }: { $text }
announce-here = { $sender }: { $text }

## Keys

keys-title = Keys
keys-search = Search
keys-find = Find in messages
keys-new = New conversation
keys-previous = Previous conversation
keys-next = Next conversation
keys-back = Back to the list
keys-send = Send
keys-break = New line
keys-help = This help
