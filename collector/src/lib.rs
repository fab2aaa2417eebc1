//! Anything to normalized Event: transports, syntaxes, vendor formats as data.
