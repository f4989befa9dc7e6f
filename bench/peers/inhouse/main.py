"""The script that an in-house developer would write: requests, ORM objects, one application after the other.

A session for HTTP, `merge` for each profile with its answers and files, a commit, the files written with `open`, a confirm.
No fsync, no retries, no lease; nothing in it is slow on purpose.
"""

import argparse
from pathlib import Path

import requests
from sqlalchemy import ForeignKey, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship


class Base(DeclarativeBase):
    """Where the tables are gathered."""


class Application(Base):
    """One application."""

    __tablename__ = "inhouse_application"
    profile_id: Mapped[str] = mapped_column(primary_key=True)
    job: Mapped[str | None]
    utm_source: Mapped[str | None]
    first_name: Mapped[str | None]
    last_name: Mapped[str | None]
    email: Mapped[str | None]
    phone: Mapped[str | None]
    answers: Mapped[list["Answer"]] = relationship(cascade="all, delete-orphan")
    media: Mapped[list["Media"]] = relationship(cascade="all, delete-orphan")


class Answer(Base):
    """One step of the interview."""

    __tablename__ = "inhouse_answer"
    profile_id: Mapped[str] = mapped_column(ForeignKey(Application.profile_id), primary_key=True)
    step: Mapped[int] = mapped_column(primary_key=True)
    question: Mapped[str | None]
    answer: Mapped[str | None]


class Media(Base):
    """One file."""

    __tablename__ = "inhouse_media"
    profile_id: Mapped[str] = mapped_column(ForeignKey(Application.profile_id), primary_key=True)
    media_id: Mapped[str] = mapped_column(primary_key=True)
    path: Mapped[str]


def application_of(profile: dict, files: list[dict], folder: Path) -> Application:
    """The rows of one profile."""
    name = profile["profileId"]
    return Application(
        profile_id=name,
        job=profile["externalReferenceId"],
        utm_source=profile["utmSource"],
        first_name=profile["firstName"],
        last_name=profile["lastName"],
        email=profile["email"],
        phone=profile["phone"],
        answers=[
            Answer(profile_id=name, step=place, question=step["question"], answer=step["answer"])
            for place, step in enumerate(profile["steps"])
        ],
        media=[
            Media(profile_id=name, media_id=file["mediaId"], path=str(folder / file["mediaId"]))
            for file in files
        ],
    )


def main() -> None:
    """Bring over everything that is listed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", required=True)
    parser.add_argument("--database", required=True)
    parser.add_argument("--media", type=Path, required=True)
    parser.add_argument("--work", help="taken, as by every peer")
    chosen = parser.parse_args()
    engine = create_engine(chosen.database.replace("postgresql://", "postgresql+psycopg://"))
    Base.metadata.create_all(engine)
    web = requests.Session()
    answer = web.post(f"{chosen.source}/token", data={"grant_type": "client_credentials"}, timeout=60)
    web.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
    listed = web.get(f"{chosen.source}/api/applicant/v1/profiles", timeout=600).json()
    with Session(engine) as session:
        for profile in listed:
            name = profile["profileId"]
            files = [profile["cv"], *(file for step in profile["steps"] for file in step["attachments"])]
            folder = chosen.media / name
            folder.mkdir(parents=True, exist_ok=True)
            for file in files:
                download = web.get(
                    f"{chosen.source}/api/media/v1/download/{name}/{file['mediaId']}", timeout=60
                )
                download.raise_for_status()
                (folder / file["mediaId"]).write_bytes(download.content)
            session.merge(application_of(profile, files, folder))
            session.commit()
            web.post(f"{chosen.source}/api/applicant/v1/confirm", json=[name], timeout=60).raise_for_status()
            session.expunge_all()


if __name__ == "__main__":
    main()
