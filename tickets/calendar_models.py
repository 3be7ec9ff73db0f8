"""Business hours as a supervisor writes them in the administration; `tickets.calendar` counts with them."""

from __future__ import annotations

from datetime import time

from django.core.exceptions import ValidationError
from django.db import models

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
SHORT_DAYS = ("lun", "mar", "mié", "jue", "vie", "sáb", "dom")
DAY_S = 24 * 3600


class OpeningHours(models.Model):
    """On these days of the week the desk attends from `start` to `end`; midnight as the end is that of the day."""

    monday = models.BooleanField("lunes", default=False)
    tuesday = models.BooleanField("martes", default=False)
    wednesday = models.BooleanField("miércoles", default=False)
    thursday = models.BooleanField("jueves", default=False)
    friday = models.BooleanField("viernes", default=False)
    saturday = models.BooleanField("sábado", default=False)
    sunday = models.BooleanField("domingo", default=False)
    start = models.TimeField("desde", default=time(9))
    end = models.TimeField("hasta", default=time(18), help_text="0:00 es la medianoche con la que termina el día.")

    class Meta:
        verbose_name = "horario de atención"
        verbose_name_plural = "horario de atención"
        ordering = ["start", "pk"]

    def __str__(self) -> str:
        days = spoken_days([day for day in range(7) if self.on(day)])
        return f"{days} de {clock(self.seconds[0])} a {clock(self.seconds[1])}"

    def on(self, day: int) -> bool:
        """Whether it holds on the weekday `day`, 0 being Monday."""
        return bool(getattr(self, DAYS[day]))

    @property
    def seconds(self) -> tuple[int, int]:
        """From when to when, in seconds of the clock on the wall."""
        return of_clock(self.start), of_clock(self.end) or DAY_S

    def clean(self) -> None:
        if self.start is None or self.end is None:
            return  # their own fields say what is wrong
        if not any(map(self.on, range(7))):
            raise ValidationError("Elige al menos un día.")
        if self.seconds[0] >= self.seconds[1]:
            raise ValidationError({"end": "Debe ser después de la hora de inicio."})
        for other in OpeningHours.objects.exclude(pk=self.pk):
            shared = [day for day in range(7) if self.on(day) and other.on(day)]
            if shared and self.seconds[0] < other.seconds[1] and other.seconds[0] < self.seconds[1]:
                raise ValidationError(f"Se encima con otro horario: {other}.")


class Holiday(models.Model):
    """A day on which nobody attends, whatever weekday it is."""

    date = models.DateField("fecha", unique=True)
    name = models.CharField("nombre", max_length=120)

    class Meta:
        verbose_name = "día festivo"
        verbose_name_plural = "días festivos"
        ordering = ["date"]

    def __str__(self) -> str:
        return f"{self.name} ({self.date})"


def of_clock(moment: time) -> int:
    return moment.hour * 3600 + moment.minute * 60 + moment.second


def clock(seconds: int) -> str:
    """9:00, 24:00."""
    return f"{seconds // 3600}:{seconds // 60 % 60:02}"


def spoken_days(days: list[int]) -> str:
    """Weekdays as people say them: "lun a vie", "sáb", "lun, mié y vie"."""
    if len(days) > 2 and days == list(range(days[0], days[-1] + 1)):
        return f"{SHORT_DAYS[days[0]]} a {SHORT_DAYS[days[-1]]}"
    names = [SHORT_DAYS[day] for day in days]
    return f"{', '.join(names[:-1])} y {names[-1]}" if len(names) > 1 else "".join(names)
