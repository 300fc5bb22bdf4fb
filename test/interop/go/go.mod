module drawbridge.test/verify

go 1.23.0

require (
	github.com/coreos/go-oidc/v3 v3.14.1
	github.com/go-jose/go-jose/v4 v4.0.5
	github.com/golang-jwt/jwt/v5 v5.2.2
)

require (
	golang.org/x/crypto v0.36.0 // indirect
	golang.org/x/oauth2 v0.28.0 // indirect
)
