import os
import secrets

import uvicorn
from authlib.integrations.starlette_client import OAuth
from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse, RedirectResponse
from starlette.middleware.sessions import SessionMiddleware

ISSUER = os.environ.get("ISSUER", "http://localhost:3000/oauth/examples")
PORT = int(os.environ.get("PORT", "8102"))

app = FastAPI()
# The session is a signed cookie that everybody with the browser can read: keep no tokens in it.
app.add_middleware(SessionMiddleware, secret_key=os.environ.get("SESSION_SECRET", secrets.token_hex(32)))

oauth = OAuth()
oauth.register(
    "drawbridge",
    server_metadata_url=f"{ISSUER}/.well-known/openid-configuration",
    client_id="fastapi",
    client_secret=os.environ.get("CLIENT_SECRET", "fastapi-example-secret-only-for-localhost"),
    client_kwargs={"scope": "openid profile email groups", "code_challenge_method": "S256"},
)


@app.get("/")
async def home(request: Request):
    user = request.session.get("user")
    if user is None:
        return RedirectResponse("/login")
    return PlainTextResponse(f"Hello, {user['name']}. Your groups: {', '.join(user['groups'])}")


@app.get("/login")
async def login(request: Request):
    return await oauth.drawbridge.authorize_redirect(request, f"http://localhost:{PORT}/callback")


@app.get("/callback")
async def callback(request: Request):
    # verifies state, PKCE, nonce and the ID token
    token = await oauth.drawbridge.authorize_access_token(request)
    profile = await oauth.drawbridge.userinfo(token=token)
    request.session["user"] = {
        "sub": profile["sub"],
        "name": profile["name"],
        "groups": token["userinfo"].get("groups", []),
    }
    return RedirectResponse("/")


if __name__ == "__main__":
    uvicorn.run(app, host="localhost", port=PORT)
