package githubtest

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// tokenLife is how long an installation's token lives.
const tokenLife = time.Hour

// token lets an installation in.
type token struct {
	installation *installation
	expires      time.Time
	only         []int64           // repositories; nil is all of the installation
	permissions  map[string]string // read or write, by name
}

// may tells whether a token has a permission such as checks:write.
func (t *token) may(need string) bool {
	name, level, _ := strings.Cut(need, ":")
	have := t.permissions[name]
	return need == "" || have == "write" || have == "read" && level == "read"
}

// authenticate finds out who asks.
func (c *call) authenticate(r route) (answer, bool) {
	secret := bearer(c.r)
	if r.as == asApp {
		if err := c.g.verifyJWT(secret); err != nil {
			return refuse(http.StatusUnauthorized, "A JSON web token could not be decoded: "+err.Error()), false
		}
		c.identity = "app ID " + strconv.FormatInt(c.g.appID, 10)
		return answer{}, true
	}
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	if r.as == asPerson {
		t := c.g.signIn.tokens[secret]
		if t.person == nil || !c.g.now().Before(t.expires) {
			return refuse(http.StatusUnauthorized, "Bad credentials"), false
		}
		c.person, c.identity = t.person, "user ID "+strconv.FormatInt(t.person.id, 10)
		return answer{}, true
	}
	t := c.g.tokens[secret]
	if t == nil || !c.g.now().Before(t.expires) || t.installation.deleted {
		return refuse(http.StatusUnauthorized, "Bad credentials"), false
	}
	if !t.installation.suspended.IsZero() {
		return refuse(http.StatusForbidden, "This installation has been suspended"), false
	}
	c.token = t
	c.identity = "installation ID " + strconv.FormatInt(t.installation.id, 10)
	return answer{}, true
}

// authorize finds out whether the caller may do it. GitHub hides what an
// installation does not cover.
func (c *call) authorize(r route) (answer, bool) {
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	if c.params["repo"] != "" {
		c.repo = c.g.repositories[strings.ToLower(c.params["owner"]+"/"+c.params["repo"])]
		if c.repo == nil || c.token != nil && !c.token.covers(c.repo) {
			return notFound(), false
		}
	}
	if org := c.params["org"]; org != "" && c.token != nil && !strings.EqualFold(c.token.installation.account.login, org) {
		return notFound(), false
	}
	if c.token != nil && !c.token.may(r.need) {
		return refuse(http.StatusForbidden, "Resource not accessible by integration"), false
	}
	return answer{}, true
}

// covers tells whether a token opens a repository.
func (t *token) covers(r *Repository) bool {
	return t.installation.account == r.owner && (t.only == nil || slices.Contains(t.only, r.id))
}

func bearer(r *http.Request) string {
	kind, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(kind, "bearer") && !strings.EqualFold(kind, "token") {
		return ""
	}
	return strings.TrimSpace(secret)
}

// claims are what a token of the App says. GitHub takes the issuer as a number
// or as a text.
type claims struct {
	Issuer  any     `json:"iss"`
	Issued  float64 `json:"iat"`
	Expires float64 `json:"exp"`
}

// verifyJWT checks a token that the App signed itself.
func (g *GitHub) verifyJWT(text string) error {
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return errors.New("it has not three parts")
	}
	var header struct {
		Algorithm string `json:"alg"`
	}
	if err := decodePart(parts[0], &header); err != nil {
		return err
	}
	if header.Algorithm != "RS256" {
		return fmt.Errorf("the algorithm is %q, not RS256", header.Algorithm)
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		return fmt.Errorf("decode the signature: %w", err)
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if err := rsa.VerifyPKCS1v15(&g.key.PublicKey, crypto.SHA256, sum[:], signature); err != nil {
		return fmt.Errorf("verify the signature: %w", err)
	}
	var c claims
	if err := decodePart(parts[1], &c); err != nil {
		return err
	}
	return g.verifyClaims(c)
}

func decodePart(text string, into any) error {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return fmt.Errorf("decode base64: %w", err)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("decode JSON: %w", err)
	}
	return nil
}

func (g *GitHub) verifyClaims(c claims) error {
	now := g.now()
	issuer := fmt.Sprint(c.Issuer)
	if n, ok := c.Issuer.(float64); ok {
		issuer = strconv.FormatInt(int64(n), 10)
	}
	expires := time.Unix(int64(c.Expires), 0)
	switch {
	case issuer != strconv.FormatInt(g.appID, 10):
		return fmt.Errorf("'Issuer' claim ('iss') is %s, not the App's id", issuer)
	case !now.Before(expires):
		return errors.New("'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires")
	case expires.After(now.Add(10*time.Minute + time.Second)):
		return errors.New("'Expiration time' claim ('exp') is too far in the future")
	case time.Unix(int64(c.Issued), 0).After(now.Add(time.Minute)):
		return errors.New("'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued")
	}
	return nil
}

func createToken(c *call) answer {
	var asked struct {
		Repositories  []string          `json:"repositories"`
		RepositoryIDs []int64           `json:"repository_ids"`
		Permissions   map[string]string `json:"permissions"`
	}
	c.decode(&asked)
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	in := c.g.installation(c.number("installation_id"))
	if in == nil {
		return notFound()
	}
	if !in.suspended.IsZero() {
		return refuse(http.StatusForbidden, "This installation has been suspended")
	}
	t := &token{installation: in, expires: c.g.now().Add(tokenLife), permissions: maps.Clone(permissions)}
	if asked.Permissions != nil {
		full := token{permissions: permissions}
		for name, level := range asked.Permissions {
			if !full.may(name + ":" + level) {
				return unprocessable("The permissions requested are not granted to this installation.")
			}
		}
		t.permissions = asked.Permissions
		t.permissions["metadata"] = "read"
	}
	var refused answer
	if t.only, refused = c.g.narrow(in, asked.Repositories, asked.RepositoryIDs); refused.status != 0 {
		return refused
	}
	text := "ghs_" + strconv.FormatInt(c.g.appID, 10) + "_" + random(24)
	c.g.tokens[text] = t
	body := object{
		"token": text, "expires_at": stamp(t.expires), "permissions": t.permissions, "repository_selection": "all",
	}
	if t.only != nil {
		body["repository_selection"] = "selected"
	}
	return created(body)
}

// narrow turns the repositories that a token is asked for into ids. g.mu is held.
func (g *GitHub) narrow(in *installation, names []string, ids []int64) ([]int64, answer) {
	if names == nil && ids == nil {
		return nil, answer{}
	}
	only := []int64{}
	for _, r := range g.repositoriesOf(in.account) {
		if slices.Contains(ids, r.id) || slices.Contains(names, r.name) {
			only = append(only, r.id)
		}
	}
	if len(only) < len(ids) || len(only) < len(names) {
		return nil, unprocessable("There is at least one repository that does not exist or is not accessible to the parent installation.")
	}
	return only, answer{}
}

func revokeToken(c *call) answer {
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	delete(c.g.tokens, bearer(c.r))
	return noContent()
}
