package faults

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"time"
)

// Authority vouches for the proxies of a run.
type Authority struct {
	Root []byte // PEM: who trusts this trusts the proxies

	leaf     tls.Certificate // of 127.0.0.1
	stranger tls.Certificate // likewise, but nobody vouches for it
}

// NewAuthority makes an authority that lasts a day.
func NewAuthority() (*Authority, error) {
	rootKey, root, err := certify("The faults' own authority", nil, nil)
	if err != nil {
		return nil, err
	}
	a := &Authority{Root: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Raw})}
	for subject, signed := range map[*tls.Certificate]bool{&a.leaf: true, &a.stranger: false} {
		by, byKey := root, rootKey
		if !signed {
			by, byKey = nil, nil
		}
		key, certificate, err := certify("127.0.0.1", by, byKey)
		if err != nil {
			return nil, err
		}
		*subject = tls.Certificate{Certificate: [][]byte{certificate.Raw}, PrivateKey: key}
	}
	return a, nil
}

// certify makes a key and its certificate, signed by itself where there is no
// parent.
func certify(name string, parent *x509.Certificate, parentKey *ecdsa.PrivateKey) (*ecdsa.PrivateKey, *x509.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("making a key: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true, IsCA: true,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	if parent == nil {
		parent, parentKey = template, key
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, parentKey)
	if err != nil {
		return nil, nil, fmt.Errorf("signing a certificate: %w", err)
	}
	certificate, err := x509.ParseCertificate(raw)
	return key, certificate, err
}
