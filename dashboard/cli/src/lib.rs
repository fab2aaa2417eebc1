//! Command line: offline verbs on collector and rules, online verbs on the API.
