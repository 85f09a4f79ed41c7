# The shell, the list of conversations, the conversation.
