from collections.abc import Callable
from typing import Any, final

@final
class Method:
    __wrapped__: Callable[..., Any]
    def __new__(
        cls, function: Callable[..., Any], name: str, awaiting: Callable[..., Any] | None = None
    ) -> Method: ...
    def __get__(self, instance: object, owner: type | None = None) -> Callable[..., Any]: ...
    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...
