package faultproxy

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

// Authority has the certificates of proxies that listen with TLS.
type Authority struct {
	Root []byte // PEM: who trusts this trusts the proxies

	trusted  tls.Certificate // of 127.0.0.1; its own root
	stranger tls.Certificate // likewise, but in nobody's roots
}

// NewAuthority makes certificates that last a day.
func NewAuthority() (*Authority, error) {
	a := &Authority{}
	for _, certificate := range []*tls.Certificate{&a.trusted, &a.stranger} {
		if err := selfSign(certificate); err != nil {
			return nil, fmt.Errorf("making a certificate: %w", err)
		}
	}
	a.Root = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.trusted.Certificate[0]})
	return a, nil
}

func selfSign(certificate *tls.Certificate) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "127.0.0.1"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	*certificate = tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key}
	return err
}
