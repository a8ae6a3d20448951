//! Recognisers and voices outside (I20, I25, I26).
