//! Response: actions on devices and people, playbooks, and the proof that they worked.
