# Welcome, devices, settings, new conversation, details; dialogs and problems.

settings-signed-in-as = Signed in as { $name }
settings-storage-conversations =
    { $count ->
        [one] { $count } conversation
       *[other] { $count } conversations
    }
