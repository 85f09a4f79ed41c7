# For how long the server keeps what is said; files of one's own; fetching the rest.

find-fetch-what = About { $size }, the newest first. You can stop at any time.

export-all-title = Save everything
export-all-hint = One file with all your conversations, as far as they are on this device. Whoever has the file can read it.
export-all-incomplete = The file was handed to the browser. Older parts of some conversations are not on this device, and not in the file: fetch them first, under “History on this device”.
export-progress = Written

keep-title = Kept on the server
keep-hint = For how long the server keeps what is said here, sealed, for devices that come later. What is on a device already stays there.
keep-forever = For ever
keep-for-days =
    { $count ->
        [one] One day
        [365] A year
       *[other] { $count } days
    }
keep-other = Other
keep-days = Number of days
keep-days-wrong = A whole number from 1 to { $most }.
keep-delivered = Only until every device has it
keep-delivered-hint = Sooner, as soon as it has reached every device of everybody in here.
keep-busy = Telling the server…
keep-server-forever = This server itself sets no limit.
keep-server = Whatever is chosen here, this server keeps messages { $what }.
keep-words-forever = for ever
keep-words-delivered = only until every device has them
keep-words-days =
    { $count ->
        [one] for one day
       *[other] for { $count } days
    }
keep-words-both =
    { $count ->
        [one] until every device has them, and for one day at most
       *[other] until every device has them, and for { $count } days at most
    }
keep-ask = Keep less on the server?
keep-ask-what = The server will keep what is said here { $what }, for everybody in this conversation.
keep-ask-lost = What is older is dropped there and does not come back. Devices that have it keep it; devices that come later will not see it.
keep-yes = Keep less
