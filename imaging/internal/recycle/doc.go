// Package recycle gives the buffers of one picture to the next: tens of megabytes
// each, which would wait for the garbage collector while others are taken, and be
// cleared in vain.
//
// Their content is whatever was in them: who takes one overwrites or clears all that
// is read of it. Only who holds a buffer alone may give it back, once, and whoever
// loses one leaves it to the garbage collector.
//
// What waits for the next is never more than was in use at once, and the second
// garbage collection that finds it waiting frees it; the runtime does one at least
// every two minutes.
package recycle
