// A web app that signs people in at Drawbridge.
package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"log"
	"net/http"
	"os"
	"strings"
	"sync"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

func setting(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

func random() string {
	bytes := make([]byte, 32)
	if _, err := rand.Read(bytes); err != nil {
		panic(err)
	}
	return base64.RawURLEncoding.EncodeToString(bytes)
}

// session is what the server keeps of one browser, which has its key in a cookie.
type session struct{ state, nonce, verifier, greeting string }

var (
	mutex    sync.Mutex
	sessions = map[string]session{}
)

func begin(w http.ResponseWriter, s session) {
	id := random()
	mutex.Lock()
	sessions[id] = s
	mutex.Unlock()
	http.SetCookie(w, &http.Cookie{Name: "go-session", Value: id, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
}

// take ends the session of the request and gives what it was.
func take(r *http.Request, keep bool) session {
	cookie, err := r.Cookie("go-session")
	if err != nil {
		return session{}
	}
	mutex.Lock()
	defer mutex.Unlock()
	found := sessions[cookie.Value]
	if !keep {
		delete(sessions, cookie.Value)
	}
	return found
}

func main() {
	home := "http://localhost:" + setting("PORT", "8103")
	provider, err := oidc.NewProvider(context.Background(), setting("ISSUER", "http://localhost:3000/oauth/examples"))
	if err != nil {
		log.Fatal(err)
	}
	config := oauth2.Config{
		ClientID:     "go",
		ClientSecret: setting("CLIENT_SECRET", "go-example-secret-only-for-localhost"),
		Endpoint:     provider.Endpoint(),
		RedirectURL:  home + "/callback",
		Scopes:       []string{oidc.ScopeOpenID, "profile", "email", "groups"},
	}
	verifier := provider.Verifier(&oidc.Config{ClientID: config.ClientID})

	http.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		if s := take(r, true); s.greeting != "" {
			fmt.Fprintln(w, s.greeting)
			return
		}
		s := session{state: random(), nonce: random(), verifier: oauth2.GenerateVerifier()}
		begin(w, s)
		url := config.AuthCodeURL(s.state, oidc.Nonce(s.nonce), oauth2.S256ChallengeOption(s.verifier))
		http.Redirect(w, r, url, http.StatusFound)
	})

	http.HandleFunc("GET /callback", func(w http.ResponseWriter, r *http.Request) {
		s := take(r, false)
		query := r.URL.Query()
		if s.state == "" || query.Get("state") != s.state {
			http.Error(w, "this sign-in was not begun in this browser", http.StatusBadRequest)
			return
		}
		if query.Has("error") {
			http.Error(w, query.Get("error_description"), http.StatusForbidden)
			return
		}
		greeting, err := finish(r.Context(), provider, verifier, &config, s, query.Get("code"))
		if err != nil {
			log.Print(err)
			http.Error(w, "the sign-in failed", http.StatusBadGateway)
			return
		}
		begin(w, session{greeting: greeting})
		http.Redirect(w, r, "/", http.StatusFound)
	})

	log.Printf("Open %s/", home)
	log.Fatal(http.ListenAndServe(strings.TrimPrefix(home, "http://"), nil))
}

func finish(ctx context.Context, provider *oidc.Provider, verifier *oidc.IDTokenVerifier, config *oauth2.Config, s session, code string) (string, error) {
	token, err := config.Exchange(ctx, code, oauth2.VerifierOption(s.verifier))
	if err != nil {
		return "", err
	}
	raw, _ := token.Extra("id_token").(string)
	idToken, err := verifier.Verify(ctx, raw)
	if err != nil {
		return "", err
	}
	if idToken.Nonce != s.nonce {
		return "", fmt.Errorf("the ID token is for another sign-in")
	}
	var identity struct {
		Groups []string `json:"groups"`
	}
	if err := idToken.Claims(&identity); err != nil {
		return "", err
	}
	info, err := provider.UserInfo(ctx, config.TokenSource(ctx, token))
	if err != nil {
		return "", err
	}
	var profile struct {
		Name string `json:"name"`
	}
	if err := info.Claims(&profile); err != nil {
		return "", err
	}
	return fmt.Sprintf("Hello, %s. Your groups: %s", profile.Name, strings.Join(identity.Groups, ", ")), nil
}
