"""The Streamlit app: navigation, controls, figures and components. No maths."""
