from django.contrib.auth.models import Group
from mozilla_django_oidc.auth import OIDCAuthenticationBackend


class DrawbridgeBackend(OIDCAuthenticationBackend):
    """Finds people by `sub`, which stays the same, and not by their e-mail address, which may pass to somebody else."""

    def get_username(self, claims):
        return claims["sub"]

    def filter_users_by_claims(self, claims):
        return self.UserModel.objects.filter(username=claims["sub"])

    def create_user(self, claims):
        return self.update_user(super().create_user(claims), claims)

    def update_user(self, user, claims):
        user.first_name = claims.get("name", "")
        user.email = claims.get("email", "")
        user.save()
        user.groups.set(Group.objects.get_or_create(name=name)[0] for name in claims.get("groups", []))
        return user
