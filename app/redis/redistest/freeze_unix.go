//go:build unix

package redistest

import "syscall"

// Freeze stops the server in its tracks (SIGSTOP): connections stay open and
// nothing answers. Thaw lets it go on. Both may be called from any goroutine.
func (s *S) Freeze() { s.signal("Freeze", syscall.SIGSTOP) }

// Thaw undoes Freeze.
func (s *S) Thaw() { s.signal("Thaw", syscall.SIGCONT) }

func (s *S) signal(method string, sig syscall.Signal) {
	s.t.Helper()
	s.own(method)
	if pid := s.Pid(); pid != 0 {
		if err := syscall.Kill(pid, sig); err != nil {
			s.t.Errorf("redistest: %s: %v", method, err)
		}
	}
}
