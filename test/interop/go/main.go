// Verifies tokens with the JWT libraries of Go. JSON on stdin and stdout, see libraries.test.ts.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"runtime/debug"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"
)

type question struct {
	Issuer string             `json:"issuer"`
	JWKS   jose.JSONWebKeySet `json:"jwks"`
	Tokens []struct {
		Name      string `json:"name"`
		Token     string `json:"token"`
		Audience  string `json:"audience"`
		Algorithm string `json:"algorithm"`
	} `json:"tokens"`
}

func main() {
	var asked question
	if err := json.NewDecoder(os.Stdin).Decode(&asked); err != nil {
		panic(err)
	}
	ctx := context.Background()
	provider, err := oidc.NewProvider(ctx, asked.Issuer)
	if err != nil {
		panic(err)
	}
	byGolangJwt, byGoOidc := map[string]string{}, map[string]string{}
	for _, one := range asked.Tokens {
		_, err := jwt.Parse(one.Token, func(token *jwt.Token) (any, error) {
			kid, _ := token.Header["kid"].(string)
			keys := asked.JWKS.Key(kid)
			if len(keys) != 1 {
				return nil, errors.New("no such key")
			}
			return keys[0].Key, nil
		}, jwt.WithValidMethods([]string{one.Algorithm}), jwt.WithIssuer(asked.Issuer), jwt.WithAudience(one.Audience))
		byGolangJwt[one.Name] = outcome(err)

		verifier := provider.Verifier(&oidc.Config{
			ClientID:             one.Audience,
			SupportedSigningAlgs: []string{one.Algorithm},
		})
		_, err = verifier.Verify(ctx, one.Token)
		byGoOidc[one.Name] = outcome(err)
	}
	results := map[string]map[string]string{
		"golang-jwt " + versionOf("github.com/golang-jwt/jwt/v5"): byGolangJwt,
		"go-oidc " + versionOf("github.com/coreos/go-oidc/v3"):    byGoOidc,
	}
	if err := json.NewEncoder(os.Stdout).Encode(results); err != nil {
		panic(err)
	}
}

func outcome(err error) string {
	if err != nil {
		return err.Error()
	}
	return "verified"
}

func versionOf(path string) string {
	info, _ := debug.ReadBuildInfo()
	for _, module := range info.Deps {
		if module.Path == path {
			return module.Version
		}
	}
	return "unknown"
}
