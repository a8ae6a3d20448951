//! Against a real FreeSWITCH.
