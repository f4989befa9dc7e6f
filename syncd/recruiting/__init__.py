"""What an ATS does with PitchYou besides the sync: templates, jobs, apply links and chats. One function per use case."""
