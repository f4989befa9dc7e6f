"""What an ATS does with PitchYou besides the sync: templates, jobs, apply links, chats. Each use is one function."""
