package remote

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"syscall"

	"code.dny.dev/ssrf"
)

// guard decides where to connect to. Its errors are for the operator.
type guard interface {
	// port checks the port of a URL, addr a literal address in it.
	port(uint16) error
	addr(netip.Addr) error
	// dial is a net.Dialer's Control: address is what is about to be connected.
	dial(network, address string, c syscall.RawConn) error
}

// anything is the guard that lets everything pass.
type anything struct{}

func (anything) port(uint16) error                          { return nil }
func (anything) addr(netip.Addr) error                      { return nil }
func (anything) dial(string, string, syscall.RawConn) error { return nil }

// public lets pass what the registries of special addresses leave over.
type public struct {
	known *ssrf.Guardian
	ports []uint16
}

// publicOnly returns the guard of the public internet. opts are for tests, which
// have no other network than their own machine.
func publicOnly(ports []uint16, opts ...ssrf.Option) public {
	return public{
		ports: ports,
		known: ssrf.New(append([]ssrf.Option{
			ssrf.WithPorts(ports...),
			// Azure's host answers its guests here, on an address that looks public.
			ssrf.WithDeniedV4Prefixes(netip.MustParsePrefix("168.63.129.16/32")),
		}, opts...)...),
	}
}

func (g public) port(port uint16) error {
	if slices.Contains(g.ports, port) {
		return nil
	}
	return fmt.Errorf("port %d: %w", port, ssrf.ErrProhibitedPort)
}

func (g public) addr(ip netip.Addr) error {
	if isISATAP(ip) {
		return fmt.Errorf("%v: %w", ip, errTunnel)
	}
	return g.known.SafeAddr(ip)
}

func (g public) dial(network, address string, c syscall.RawConn) error {
	target, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	if isISATAP(target.Addr()) {
		return fmt.Errorf("%s: %w", address, errTunnel)
	}
	return g.known.Safe(network, address, c)
}

var errTunnel = errors.New("the address tunnels to an IPv4 address")

// isISATAP recognises the interface identifiers of RFC 5214, which carry an
// IPv4 address below any prefix, so that no list of prefixes has them.
func isISATAP(ip netip.Addr) bool {
	if !ip.Is6() {
		return false
	}
	b := ip.As16()
	return b[8]&^0x02 == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe
}
