# Welcome, devices, settings, new conversation, details; dialogs and problems.

page-back = Back
dialog-cancel = Cancel
toast-dismiss = Put away
rename-save = Save
ago-now = just now

## Welcome

app-name = Diario
welcome-what = Private messages, the same on every device you own. Only you and the people you write to can read them.
welcome-create = Create an account
welcome-create-hint = You are new here
welcome-link = Link this device to my account
welcome-link-hint = You use Diario on another device
welcome-foot = No phone number, no e‑mail address. Your keys are made on this device and stay with you.

create-title = Create an account
create-what = Choose the name by which others find you.
create-name = Name
create-name-hint = 2 to 32 characters: a to z, digits, dot, dash and underscore, beginning with a letter. It cannot be changed later.
create-name-short = A name has at least 2 characters.
create-name-long = A name has at most 32 characters.
create-name-start = A name begins with a letter.
create-name-letters = Only a to z, digits, dot, dash and underscore, without spaces or accents.
create-invite = Invite
create-invite-hint = From whoever runs this server: an invite, or the code to begin your own name anew.
create-invite-needed = This server wants an invite, or this one is not good any more.
create-submit = Create the account
create-busy = Making your keys and your account…

device-name = Name of this device
device-name-hint = Only you see it, in the list of your devices.
device-suggested-name = { $browser } on { $system }
device-suggested-name-unknown = Browser

link-title = Link this device
link-what = Your conversations come to this browser from your account. Nothing is lost on the other device.
link-step-open = Open Diario on a device that is in your account already.
link-step-add = Go to Devices, then “Add a device”.
link-step-scan = Scan this code.
link-step-type = Type these letters.
link-step-confirm = Confirm there that it is you.
link-qr-label = QR code to scan with your other device
link-code-label = Type this on your other device
link-making = Making a code…
link-done = Linked. Your conversations are coming in…
link-failed = This code is not good any more. It lasts a few minutes and works once.
link-again = New code
link-show-code = I cannot scan: show letters to type
link-show-qr = Show a QR code to scan

## Devices

devices-title = Devices
devices-what = Each of them holds your conversations and works while the others are off.
devices-loading = Looking for your devices…
devices-add = Add a device
devices-not-primary = Devices are added, renewed and removed on a main device.
devices-unnamed = Device without a name
devices-this = This device
devices-primary = Main
devices-primary-what = It can add and remove devices
devices-online = Online
devices-seen = Last seen { $when }
devices-not-seen = Not seen yet
devices-expires = expires { $when } unless a main device comes online
devices-expired = Expired. Renewed on a main device, it goes on with all it has
devices-ends = Ends { $when }: renew it, or let a main device come online
devices-awaits-key = Becomes a main device as soon as it is online
devices-more = More about { $name }
devices-began = The account was made on it { $when }
devices-linked = Added { $when } by { $name }
devices-renew = Renew
devices-make-main = Make it a main device
devices-hand-over = Hand over to it
devices-make-linked = Make it a linked device
role-main = Make { $name } a main device?
role-main-what = It can then add and remove devices, this one too, and its time does not run out.
role-hand-over = Hand over to { $name }?
role-hand-over-what = It becomes a main device. As soon as it is, this one becomes a linked device: it goes on as before, but can no longer add or remove devices.
role-linked = Make { $name } a linked device?
role-linked-what = It goes on as before, but can no longer add or remove devices.
devices-rename = Rename { $name }
devices-remove = Remove
devices-remove-name = Remove { $name }
revoke-title = Remove { $name }?
revoke-yes = Remove
revoke-what = It is shut out at once, and can read nothing that is written from now on. What it has not sent yet is lost.
revoke-kept = What it already holds stays on it until it is deleted there.
revoke-rest = Your account and your other devices lose nothing.

add-title = Add a device
add-what = On the new device, open Diario and choose “Link this device to my account”.
add-way = How the code comes in
add-scan = Scan
add-type = Type the code
add-scan-hint = Hold the new device’s QR code in front of the camera.
add-code = Code of the new device
add-code-hint = 8 letters and digits. Capitals do not matter.
add-code-short = The code has 8 letters and digits.
add-submit = Continue
add-reaching = Reaching the new device…
add-done = { $name } is in your account
add-done-what = Your conversations are on their way to it.
add-done-devices = To your devices
add-failed = The device was not added
add-failed-what = The code has run out, was wrong, or the device went away. Let it show a new code.
add-again = Try again
admit-title = Let { $name } into your account?
admit-what = It will read all your conversations and write in your name.
admit-warning = Say yes only if this device is yours and in front of you.
admit-yes = Let it in
admit-no = No
full-title = Make room for { $name }
full-what = Your account has { $most } devices, as many as this server allows. The one that you remove makes room for the new one.
full-remove = Remove
full-remove-name = Remove { $name } to make room
full-no = Do not let { $name } in

camera-label = What the camera sees
camera-starting = Waiting for the camera…
camera-refused = Diario may not use the camera. You can allow it in the browser’s settings for this site, or type the code.
camera-missing = No camera was found. Type the code instead.

## Settings

settings-title = Settings
settings-account = Account
settings-name = Name
settings-id = Account ID
settings-language = Language
settings-language-system = As the browser
settings-theme = Appearance
settings-theme-system = As the system
settings-theme-light = Light
settings-theme-dark = Dark
settings-privacy = Privacy
settings-receipts = Receipts
settings-receipts-hint = Others see when their messages reached you and when you read them. On all your devices.

notify-title = Notifications
notify-unsupported = This browser cannot show notifications here.
notify-install = On an iPhone or iPad, add Diario to the home screen first.
notify-blocked = Notifications are blocked in this browser.
notify-unblock = Open the settings for this site by the symbol beside the address, and allow notifications.
notify-off = Notifications are off on this device.
notify-while-open = You are notified while Diario is open.
notify-while-open-why = This browser or this server cannot wake Diario when it is closed.
notify-always = You are notified, even when Diario is closed.
notify-no-content = The wake-up call that comes by the browser’s maker holds nothing of your messages.
notify-asking = Waiting for the browser…
notify-enable = Turn on
notify-pushed = New message
notify-disable = Turn off

storage-title = Stored in this browser
storage-used = Size
storage-holds = Holds
storage-messages =
    { $count ->
        [one] { $count } message
       *[other] { $count } messages
    }
storage-conversations =
    { $count ->
        [one] { $count } conversation
       *[other] { $count } conversations
    }
storage-both = { $messages } in { $conversations }
storage-kept = The browser keeps it until you delete it.
storage-not-kept = The browser may delete it when space runs low or when you have not been here for long.
storage-memory = This browser lets Diario store nothing: everything here is gone when its last tab is closed.
storage-ask = Ask the browser to keep it
storage-refused = The browser said no. Install Diario, or add it to your bookmarks, and ask again; or add a second device, so that nothing can be lost.
size-kilobytes = { $count } kB
size-megabytes = { $count } MB
size-gigabytes = { $count } GB
rebuild-hint = If something looks wrong here, what is only a copy can be fetched again.
rebuild-title = Fetch everything again?
rebuild-yes = Fetch again
rebuild-what = This browser drops its copies of your conversations and fetches them from the server.
rebuild-safe = Your keys and messages that still wait to be sent are kept.
rebuild-busy = Fetching your conversations…
rebuild-begun = Your conversations are being fetched again.

app-title = The app
app-installed = Diario is installed on this device.
app-not-installed = Diario runs in the browser. Installed, it has a window and an icon of its own.
app-install = Install
app-version = Version

wipe-title = Remove from this browser
wipe-hint = Deletes your keys and all conversations from this browser. Your other devices keep everything.
wipe-open = Remove from this browser…
wipe-ask = Delete everything from this browser?
wipe-yes = Delete
wipe-what = Your keys and all conversations in this browser are deleted for good. To come back you link it anew.
wipe-unsent =
    { $count ->
        [one] { $count } message was not sent yet and will be lost.
       *[other] { $count } messages were not sent yet and will be lost.
    }
wipe-only = If this is your only device and you have no recovery key, your account is lost with it: nobody can restore it for you.

## New conversation

new-title = New conversation
new-kind = Kind of conversation
new-person = Person
new-group = Group
new-name = Name of the person
new-name-hint = Exactly as they are called here. Names are not listed anywhere: ask them.
new-open = Write
new-finding = Looking…
find-nobody = Nobody here is called { $name }.
find-offline = There is no connection. A name can only be looked up with one.
find-self = That is you.
find-twice = { $name } is in already.
gather-label = Add a person
gather-hint = Their exact name.
gather-add = Add
gather-chosen = People chosen
gather-remove = Take { $name } out
group-title = Name of the group
group-rename = New name
group-needs-name = A group needs a name.
group-make = Begin the group
group-making = Beginning…

## Finding messages

find-title = Find in messages
find-placeholder = Words, or “a phrase”
find-hint = Case and accents make no difference. Words in quotes stand just like that.
find-only-in = Only in { $title }
find-everywhere = Look in all conversations
find-filters = Person and date
find-from = Said by
find-since = From this day on
find-until = Up to this day
find-nothing = Nothing was found.
find-count =
    { $count ->
        [one] One message
       *[other] { $count } messages
    }
find-count-more = The { $count } newest
find-more = Show older ones
find-incomplete = Older parts of your conversations are not on this device, and were not searched.
find-complete-since = Everything since { $date } was searched. Of what is older, only what is on this device.
find-fetch = Fetch the rest
find-unindexed =
    { $count ->
        [one] One message is still being made ready for the search…
       *[other] { $count } messages are still being made ready for the search…
    }

## Details

details-title = Details
details-self = Only your own devices are in it.
details-list = In the list
details-pin = Pin to the top
details-pin-hint = On all your devices.
details-mute = Mute
details-mute-hint = New messages make no notification, on all your devices.
details-members = Members
details-loading = Looking who is in it…
details-you = You
details-add =
    { $count ->
        [one] Let one person in
       *[other] Let { $count } people in
    }
details-remove = Remove
details-remove-name = Remove { $name } from the group
remove-title = Remove { $name } from the group?
remove-yes = Remove
remove-what = They can read nothing that is written from now on. What they have received stays with them.
safety-title = Safety number
safety-of = Safety number of { $name }
safety-looking = Looking up the number…
safety-open = Compare it
safety-is-verified = You compared it: nobody stands between you.
safety-not-verified = Not compared yet.
safety-what = If { $name } sees the same number, nobody stands between you, the server neither.
safety-number = The number
safety-compare = Compare it side by side, or read it aloud in a call. { $name } finds it in the details of your conversation.
safety-qr = QR code of the safety number
safety-scan = Scan their code
safety-show = Show the code
safety-mark = Mark as verified
safety-unmark = Take the mark back
safety-mark-hint = The mark is for all your devices.
safety-match = It is the same: nobody stands between you and { $name }.
safety-mismatch = This is not the number that is seen here. If { $name } showed it for you, somebody stands between you: say nothing secret here.
safety-other-version = That code is of another version of Diario. Update the older one, or compare the digits.
safety-camera-refused = Diario may not use the camera. Allow it in the browser, or compare the digits.
safety-camera-missing = There is no camera here. Compare the digits.

export-title = Save a copy
export-hint = A file of your own with everything of this conversation that is on this device. Whoever has the file can read it.
export-page = To read and print
export-data = As data
export-busy = Writing { $done } of { $total } messages…
export-done = The file was handed to the browser.
export-incomplete = The file was handed to the browser. Older parts of the conversation are not on this device, and not in the file.
export-made = Saved from Diario by { $name } on { $date }
export-joined = { $names } joined
export-left = { $names } left
export-missing = Older parts of this conversation were not on the device that made this file.
leave-title = Leave the group
leave-hint = You get nothing more of it. What is here stays, and can be read.
leave-open = Leave the group…
leave-ask = Leave { $title }?
leave-yes = Leave
leave-what = To come back, a member has to add you again.

## Notices

update-ready = A new version is ready
update-hint = What you are writing is kept.
update-now = Reload
update-later = Later

## Problems

problem-no-account = There is no account in this browser yet.
problem-has-account = There is an account in this browser already.
problem-revoked = This device was removed from its account.
problem-not-primary = Only a main device can do this.
problem-last-primary = The only main device of an account cannot be removed.
problem-bad-name = That is not a name: 2 to 32 of a to z, digits, dot, dash and underscore, beginning with a letter.
problem-name-taken = Somebody else has this name already.
problem-invite-needed = This server wants an invite.
problem-registration-closed = This server takes no new accounts at the moment.
problem-unknown = That is not here any more.
problem-left = You are no longer in this conversation.
problem-membership = The members of this conversation cannot be changed so.
problem-empty = There is nothing to send.
problem-too-long = That is too long for one message: at most { $kilobytes } kB.
problem-offline = There is no connection to the server.
problem-not-yet = This device is still catching up. Try again in a moment.
problem-bad-code = That is not the code of a device.
problem-code-refused = The code has run out, was used already, or is wrong. Let the new device show another one.
problem-storage-full = The storage of this browser is full. Nothing more can be kept until there is space.
problem-expired = This device’s time has run out. Renew it on a main device, on its page of devices.
problem-server-full = The server cannot store anything at the moment. Try again in a while.
problem-on-its-way = The message is on its way already, so it cannot be taken back.
problem-wait =
    { $seconds ->
        [one] The server asks for patience: try again in one second.
       *[other] The server asks for patience: try again in { $seconds } seconds.
    }
problem-other = That did not work. { $what }

## History on this device

history-title = History on this device
history-whole = Everything you can read is on this device.
history-missing =
    { $count ->
        [one] { $number } older message is not on this device yet. It comes when you scroll to it.
       *[other] { $number } older messages are not on this device yet. They come when you scroll to them.
    }
history-fetch = Fetch older messages in advance
history-never = Never
history-wifi = Only over Wi-Fi
history-always = Always
history-ask = Fetch older messages?
history-ask-what = About { $size } will be downloaded, the newest first. You can stop it at any time and go on later.
history-ask-yes = Fetch
history-progress = History fetched
history-figures = { $done } of { $all } messages, { $percent } %
history-left = about { $size } left
history-paused = Paused.
history-waits-wifi = Waiting for Wi-Fi.
history-waits-connection = Goes on when you are connected.
history-pause = Pause
history-resume = Resume
