# What an account is recovered by, and recovering it.

recovery-title = Recovery
recovery-what = If you lose every device, this is how you get your account and all your conversations back.
recovery-loading = Looking for your recovery key…
recovery-none = There is nothing yet. If you lose every device now, your account is lost with them.
recovery-make-key = Make a recovery key
recovery-new-key = Make a new recovery key
recovery-add-passkey = Add a passkey
recovery-passkey-hint = A passkey lives in your phone, your password manager or a security key. A recovery key is 24 words on paper.
recovery-not-primary = Recovery is set up on a main device.
recovery-words = Recovery key of 24 words
recovery-passkey = Passkey: { $name }
recovery-made = Made { $when }
recovery-not-ready = Not on the server yet
recovery-remove = Remove
recovery-remove-name = Remove { $name }
recovery-remove-title = Remove this way back?
recovery-remove-what = Your account cannot be recovered by it any more. Your devices and conversations stay as they are.
recovery-making = Making a key…

passkey-unsupported = This browser has no passkeys.
passkey-called-off = No passkey was used.
passkey-without-prf = This passkey cannot keep a secret for Diario. Use another one, or a recovery key.

key-title = Your recovery key
key-what = Write these 24 words down, in this order. They are shown this once.
key-keep = Whoever has these words has your account. Keep them on paper, where you keep what is dear to you.
key-copy = Copy
key-copied = Copied
key-print = Print
key-in-english = In English words
key-in-italian = In Italian words
key-written = I have written them down
key-ask-title = Three of the words
key-ask-what = Look them up on your paper.
key-word = Word { $number }
key-confirm = Done
key-again = Show the words again
key-done-title = You have a recovery key
key-done = With it you get your account back when every device is lost. An older key is worth nothing any more.
key-done-soon = It counts as soon as the server has it. Keep Diario open for a moment.
key-done-close = Good

welcome-recover = Recover my account
welcome-recover-hint = You have a recovery key or a passkey

recover-title = Recover my account
recover-what = With your recovery key, this device becomes a main device of your account, and all your conversations come back.
recover-name-hint = The name by which others find you.
recover-words = The 24 words of your recovery key
recover-words-count = { $count } of 24 words
recover-words-good = All 24 words fit together.
recover-submit = Go on
recover-busy = Opening your account…
recover-or = Or without words:
recover-by-passkey = Use a passkey
recover-welcome = Welcome back, { $name }
recover-devices = Which of your devices do you still have? Those that do not stay are cut off at once.
recover-no-devices = There are no other devices.
recover-keep = Stays
recover-keep-name = { $name } stays
recover-none-stay = None of them stays
recover-finish = Recover my account
recover-done = Recovered. Your conversations are coming…

no-recovery-title = If you lose every device
no-recovery-what = Make a recovery key: 24 words on paper that bring your account and all conversations back.
no-recovery-storage = This browser may also delete what it stores when space runs low.

problem-wrong-recovery-key = This is no recovery key of that account. Check the name and every word, and whether you made a newer key.
problem-device-limit = The account may have { $most } devices on this server. At least one has to go.
problem-word-count = A recovery key has 24 words, and these are { $count }.
problem-unknown-word = Word { $number } is no word of a recovery key.
problem-words-wrong = These words do not belong together: at least one is wrong, or in another place.
problem-wrong-word = Word { $number } is another one. Look at your paper.
problem-no-recovery-key = That key is not waiting any more. Make a new one.
problem-interrupted = The recovery was interrupted, and nothing was changed. Begin it again.
problem-lie = What the server gave is not your account’s. Nothing was changed. Ask whoever runs the server.

## The last step of a new account

begin-title = In case you lose every device
begin-what = Your account lives on your devices, and nowhere else. A recovery key brings it back, with all your conversations.
begin-fact-paper = 24 words that you write on paper.
begin-fact-nobody = Nobody else has them: not the server, and not whoever runs it.
begin-fact-minutes = It takes two minutes.
begin-passkey = Use a passkey instead
begin-skip = Not now
begin-skip-title = Go on without a recovery key?
begin-skip-what = If this device is lost, or the browser deletes what it stores, your account and all your conversations are lost for good. Nobody can bring them back: not you, and not whoever runs the server.
begin-skip-later = You can make one later in the settings, under Recovery.
begin-skip-yes = Go on without
begin-skip-no = Back
