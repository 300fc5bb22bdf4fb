from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.urls import include, path


@login_required
def home(request):
    groups = ", ".join(request.user.groups.values_list("name", flat=True))
    return HttpResponse(f"Hello, {request.user.first_name}. Your groups: {groups}", content_type="text/plain")


urlpatterns = [path("", home), path("oidc/", include("mozilla_django_oidc.urls"))]
