// Package icc converts colours to sRGB and to Display P3: from ICC profiles of
// RGB, grey and CMYK, from the numbers of ISO/IEC 23091-2 that HEIC, AVIF and PNG
// use, and from printing inks that nothing is known of.
//
// Profiles come from strangers. Nothing in one is trusted: offsets and sizes are
// checked, nothing is allocated by what a profile claims, and what cannot be
// read is an error. It does colour as far as photographs need it: device to
// display, perceptual, with the darkest colour made black.
package icc
