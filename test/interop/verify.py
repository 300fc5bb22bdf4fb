"""Verifies tokens with the JWT libraries of Python. JSON on stdin and stdout, see libraries.test.ts."""

import json
import sys
from importlib.metadata import version

import jwt as pyjwt
from authlib.jose import JsonWebKey, JsonWebToken
from jose import jwt as python_jose

question = json.load(sys.stdin)
jwks, issuer = question["jwks"], question["issuer"]


def by_pyjwt(token, audience, algorithm):
    kid = pyjwt.get_unverified_header(token)["kid"]
    key = pyjwt.PyJWKSet.from_dict(jwks)[kid]
    pyjwt.decode(token, key, algorithms=[algorithm], audience=audience, issuer=issuer)


def by_authlib(token, audience, algorithm):
    options = {"iss": {"essential": True, "value": issuer}, "aud": {"essential": True, "value": audience}}
    keys = JsonWebKey.import_key_set(jwks)
    JsonWebToken([algorithm]).decode(token, keys, claims_options=options).validate()


def by_python_jose(token, audience, algorithm):
    # it tries all keys, whatever their kid, and gives up at the first of another kind
    kid = pyjwt.get_unverified_header(token)["kid"]
    key = jwks if algorithm == "RS256" else next(key for key in jwks["keys"] if key["kid"] == kid)
    python_jose.decode(
        token, key, algorithms=[algorithm], audience=audience, issuer=issuer, options={"verify_at_hash": False}
    )


def outcome(verify, token):
    try:
        verify(token["token"], token["audience"], token["algorithm"])
        return "verified"
    except Exception as error:
        return f"{type(error).__name__}: {error}"


libraries = {"PyJWT": by_pyjwt, "Authlib": by_authlib, "python-jose": by_python_jose}
json.dump(
    {
        f"{name} {version(name)}": {token["name"]: outcome(verify, token) for token in question["tokens"]}
        for name, verify in libraries.items()
    },
    sys.stdout,
)
