"""What a person does on the pages of Home Assistant's user interface, in its words.

Things are found by the roles and names that a person sees. Where these are not enough, by the names of the frontend's own
elements: what is slotted into a dialog or a card is no child of it for a locator, but of the element around it.
"""
